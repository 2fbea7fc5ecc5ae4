"""What some loads need, as a table of the runbook."""

from typing import Final

from tracehound.scripts.documents.measured import Measured as Stored
from tracehound.scripts.sizing.measured import measured
from tracehound.scripts.sizing.reckoning import Load, Prices, size

_LOADS: Final = (
    ("20 applications, 100/s, by spans", Load(20, 100.0, spans=True)),
    ("200 applications, 2,000/s", Load(200, 2_000.0)),
    ("2,000 applications, 20,000/s, by spans", Load(2_000, 20_000.0, spans=True)),
    ("a million applications of 5 operations, 50,000/s", Load(1_000_000, 50_000.0, operations=5)),
)


def sizes(_: Stored) -> str:
    """A row for each load; executions/s on average, twice that at the peak."""
    figures = measured()
    rows = [
        "| load | workers, memory of each | intakes, gateways | partitions "
        "| Kafka in; disk of 3 replicas, 3 days | a worker lost |",
        "|---|---|---|---|---|---|",
    ]
    for name, load in _LOADS:
        found = size(load, figures, Prices())
        rows.append(
            f"| {name} | {found.workers} × {found.worker_memory_mb / 1024:.1f} GB | {found.intakes}, {found.gateways} "
            f"| {found.partitions} | {found.kafka_in_mb_s:,.1f} MB/s; {found.kafka_disk_gb:,.0f} GB "
            f"| {found.restore_s:,.0f} s |"
        )
    return "\n".join(rows)
