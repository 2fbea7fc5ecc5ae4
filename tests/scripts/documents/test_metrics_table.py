"""The table of metrics is complete: what a running process shows is in it."""

from prometheus_client import CollectorRegistry, generate_latest

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
