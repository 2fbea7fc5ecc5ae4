"""A worker of intake in a process of its own, as a benchmark starts and watches it."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tracehound.infra.kafka.ports import free_ports
from tracehound.scripts.benchmarks.builds import Build
from tracehound.scripts.benchmarks.measured_process import cpu_seconds, peak_memory_mb

PARTITIONS: Final = 12
TRACE_WAIT_S: Final = 2.0


class IntakeWorker:
    """A worker of its own process, pinned to one core; ends with the ``with`` statement."""

    def __init__(self, servers: str, prefix: str, otlp_topic: str, folder: Path, core: int, build: Build) -> None:
        [port] = free_ports(1)
        self._url = f"http://127.0.0.1:{port}/"
        self._log = folder / f"{prefix}log"
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "TRACEHOUND_TOPIC_PREFIX": prefix,
            "TRACEHOUND_PARTITIONS": str(PARTITIONS),
            "TRACEHOUND_INTAKE__OTLP_TOPICS": otlp_topic,
            "TRACEHOUND_INTAKE__GROUP_ID": f"{prefix}intake",
            "TRACEHOUND_INTAKE__TRACE_WAIT_S": str(TRACE_WAIT_S),
            "TRACEHOUND_INTAKE__HTTP_PORT": str(port),
        }
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), sys.executable, "-m", build.module, "intake"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                cwd=build.folder,
            )

    def __enter__(self) -> "IntakeWorker":
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return cpu_seconds(self._process.pid)

    def peak_mb(self) -> float:
        """The most memory it has had."""
        return peak_memory_mb(self._process.pid)

    def ready(self) -> bool:
        """Whether it has partitions to read; it begins to at once."""
        return bool(self._ask("readyz"))

    def counts(self) -> dict[str, float]:
        """Its counters by name and labels; empty while it does not answer."""
        text = self._ask("metrics")
        return {
            " ".join((sample.name, *sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("tracehound_") and sample.name.endswith("_total")
        }

    def _ask(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:  # noqa: S310 (always http)
                return str(answer.read().decode())
        except (urllib.error.URLError, TimeoutError, ConnectionError):  # (not ready is an error of HTTP)
            return ""

    def check(self, deadline_s: float, sofar: Callable[[], str]) -> None:
        """Nothing while it runs and the deadline (of ``time.monotonic``) has not passed.

        Raises:
            RuntimeError: it ended or takes too long; the message holds its counters and the end of its log.
        """
        if self._process.poll() is None and time.monotonic() < deadline_s:
            return
        log = self._log.read_text(errors="replace")[-1500:]
        raise RuntimeError(
            f"The intake worker must bring out all executions. Got {sofar()}, status {self._process.returncode}, "
            f"counters {self.counts()} and this log:\n{log}"
        )
