"""Bytes that one worker's models take for each of 100,000 operations."""

import gc
from pathlib import Path
from typing import Any, Final

import click

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, Segment
from tracehound.scripts.soak.report import update

_AT_ONCE: Final = 1_000


def resident_bytes() -> int:
    """Memory that this process has in RAM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise OSError("This system does not say how much memory a process has.")


def measure(applications: int, operations: int, executions: int) -> dict[str, Any]:
    """Let a scorer learn ``executions`` of each operation of each application; one execution has two calls.

    Returns:
        Bytes for each operation, in the arrays and of the process, and how many forests there are among them.
    """
    scorer = Scorer(DetectionSettings(applications_per_worker=applications), InlineFitter())
    warm = [_execution("warm-up", number % operations, number) for number in range(4 * _AT_ONCE)]
    for begin in range(0, len(warm), _AT_ONCE):
        scorer.score(warm[begin : begin + _AT_ONCE])  # compiles everything
    scorer.forget(("warm-up", ""))
    gc.collect()
    before = resident_bytes()
    for application in range(applications):
        name = f"application-{application}"
        count = operations * executions
        for begin in range(0, count, _AT_ONCE):
            batch = range(begin, min(count, begin + _AT_ONCE))
            scorer.score([_execution(name, number % operations, number) for number in batch])
    gc.collect()
    total = applications * operations
    statistics = scorer.statistics()
    return {
        f"bytes_per_operation_{total}": round(statistics["state_bytes"] / total),
        f"rss_bytes_per_operation_{total}": round((resident_bytes() - before) / total),
        f"forests_{total}": statistics["forests"],
    }


def _execution(application: str, operation: int, number: int) -> Execution:
    duration_ms = 50.0 + (operation * 7 + number * 13) % 40
    segments = [Segment("SELECT", duration_ms * 0.4, "db", peer="database"), Segment("render", duration_ms * 0.3)]
    return Execution(application, f"operation-{operation}", 1e9 + number * 0.1, duration_ms, segments=segments)


@click.command()
@click.option("--applications", default=1_000, show_default=True)
@click.option("--operations", default=100, show_default=True, help="Of each application.")
@click.option("--executions", default=60, show_default=True, help="Of each operation; 30 are its warm-up.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for reliability.json.")
def main(applications: int, operations: int, executions: int, report: Path | None) -> None:
    """Measure the memory of many operations on one worker."""
    figures = measure(applications, operations, executions)
    click.echo(figures)
    if report is not None:
        update(report, "memory", figures)


if __name__ == "__main__":
    main()
