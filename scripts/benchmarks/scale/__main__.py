"""Throughput, memory and restart by the number of operations and segments, and one worker next to two."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from tracehound.infra.kafka.broker import broker
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.scale import point as scale_point
from tracehound.scripts.benchmarks.scale import workers as scale_workers
from tracehound.scripts.benchmarks.scale.report import Findings, Restarted, growth, last_cache_mb, write
from tracehound.scripts.benchmarks.scale.workers import Crewed
from tracehound.scripts.benchmarks.scale.workload import Size
from tracehound.scripts.soak import restart

OPERATIONS: Final = (1, 10, 100, 1_000, 10_000, 100_000)
SEGMENTS: Final = (1, 5, 20)
USUAL_SEGMENTS: Final = 5
_LEARNED_LEAST: Final = 20_000
_LEARNED_EACH: Final = 120
"""Executions of an operation before its size is measured: one that has learned fewer than a hundred costs more."""
_WARM_EACH: Final = 32
"""The least of them, however many operations there are: with fewer than thirty one still warms up."""


def sizes(operations: Sequence[int], segments: Sequence[int], widest: int) -> Iterator[Size]:
    """All combinations, but more operations than ``widest`` with the usual number of segments only.

    >>> [(size.operations, size.segments) for size in sizes([10, 20], [1, 5], widest=10)]
    [(10, 1), (10, 5), (20, 5)]
    """
    for count in operations:
        usual = [USUAL_SEGMENTS] if USUAL_SEGMENTS in segments else segments[:1]
        yield from (Size(count, each) for each in (segments if count <= widest else usual))


def learned(size: Size, least: int, most: int) -> int:
    """Executions before the clock starts.

    >>> [learned(Size(operations, 5), 20_000, 4_000_000) for operations in (10, 10_000, 100_000)]
    [20000, 1200000, 4000000]
    """
    wanted = max(least, _LEARNED_EACH * size.operations)
    return min(wanted, max(least, most, _WARM_EACH * size.operations))


@click.command()
@click.option("--operations", multiple=True, type=click.IntRange(1), default=OPERATIONS, show_default=True)
@click.option("--segments", multiple=True, type=click.IntRange(1), default=SEGMENTS, show_default=True)
@click.option(
    "--widest", default=10_000, show_default=True, help="The most operations with other than 5 segments per execution."
)
@click.option("--learned", "least", default=_LEARNED_LEAST, show_default=True, help="Executions before, at least.")
@click.option("--most-learned", "most", default=4_000_000, show_default=True, help="Executions before, at most.")
@click.option("--measured", default=40_000, show_default=True, help="Executions that are timed, in process.")
@click.option("--workers", multiple=True, type=click.IntRange(1), default=(1, 2), show_default=True)
@click.option("--crew-operations", default=10_000, show_default=True, help="Operations for workers on a broker.")
@click.option("--count", default=400_000, show_default=True, help="Executions for workers on a broker.")
@click.option("--restarted", default=1_000, show_default=True, help="Applications for a restart on a broker; 0: none.")
@click.option("--kind", default="real", show_default=True, help="Broker: real or external; none leaves it out.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the report.")
def main(
    operations: tuple[int, ...],
    segments: tuple[int, ...],
    widest: int,
    least: int,
    most: int,
    measured: int,
    workers: tuple[int, ...],
    crew_operations: int,
    count: int,
    restarted: int,
    kind: Any,
    output: Path | None,
) -> None:
    """Measure sizes in process, then workers and a restart on a broker."""
    console, points, begun_s = Console(), [], time.monotonic()
    for size in sizes(operations, segments, widest):
        points.append(scale_point.measure(size, learned(size, least, most), measured))
        console.print(f"{time.monotonic() - begun_s:.0f} s: {points[-1]}")
    crews: list[Crewed] = []
    again: Restarted | None = None
    had = str(kind)
    if kind != "none":
        with ExitStack() as stack:
            kafka = stack.enter_context(broker(kind))
            had = kafka.kind
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for number in workers:
                place = folder / f"crew-{number}"
                place.mkdir()
                size = Size(crew_operations, USUAL_SEGMENTS)
                crews.append(scale_workers.measure(kafka, place, number, size, count))
                console.print(f"{time.monotonic() - begun_s:.0f} s: {crews[-1]}")
            if restarted:
                again = Restarted(restarted, *restart.measure(kafka, folder, restarted, _WARM_EACH, {}))
                console.print(f"{time.monotonic() - begun_s:.0f} s: {again}")
    findings = Findings(Machine.here(had), last_cache_mb(), points, crews, again)
    console.print(growth(findings))
    if output is not None:
        write(findings, output)


if __name__ == "__main__":
    main()
