"""The table of metrics is complete: what a running process shows is in it."""

import re

from prometheus_client import CollectorRegistry, generate_latest

from tests.checkout import PROJECT
from tracehound.scripts.documents.metrics_table import metrics_table
from tracehound.streams.intake.metrics import IntakeMetrics
from tracehound.streams.scoring.metrics import Metrics


def test_everything_that_is_counted_is_in_the_table() -> None:
    worker, intake = CollectorRegistry(), CollectorRegistry()
    Metrics(worker)
    IntakeMetrics(intake)
    told = (generate_latest(worker) + generate_latest(intake)).decode()
    families = {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE")}
    own = {name for name in families if not name.endswith("_created")}
    shown = metrics_table()
    assert len(own) > 20
    assert [name for name in own if f"`{name}`" not in shown] == []


def test_labels_and_types_are_told() -> None:
    assert "| `tracehound_anomalies_total` | counter | `kind`, `severity` | Anomalies found |" in metrics_table()
    assert "| `tracehound_psi` | gauge | `application`, `environment` |" in metrics_table()


def test_whatever_name_is_in_the_code_of_any_process_is_in_the_table() -> None:
    shown, looked_at = metrics_table(), 0
    for file in (file for room in ("console", "streams") for file in (PROJECT / room).rglob("*.py")):
        text = file.read_text()
        for name in re.findall(r'(?:Counter|Gauge|Histogram|MetricFamily|_by_partition)\(\s*"(tracehound_\w+)"', text):
            looked_at += 1
            assert f"| `{name}` |" in shown or f"| `{name}_total` |" in shown, f"{file} has {name}"
    assert looked_at > 80
