"""Nothing is traced, and nothing of OpenTelemetry's SDK is imported, unless it was asked for."""

import subprocess
import sys

from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.kafka.runs.traced_run import TracedRun
from tracehound.streams.worker.tracing import traced_runs


def test_runs_are_plain_without_an_endpoint() -> None:
    assert traced_runs("") is Run


def test_runs_are_traced_with_one() -> None:
    made = traced_runs("http://127.0.0.1:9/v1/traces")
    assert getattr(made, "func", None) is TracedRun


def test_a_worker_that_traces_nothing_imports_no_sdk() -> None:
    look = "import sys; import tracehound.streams.scoring.app; print([m for m in sys.modules if m.startswith({!r})])"
    command = [sys.executable, "-c", look.format("opentelemetry.sdk")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
