"""Contender: a confluent-kafka consumer with our detectors: no delivery, no saved states, no event loop.

Run as ``python -m tracehound.scripts.benchmarks.throughput.contenders.bare_detectors BOOTSTRAP TOPIC GROUP``.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

from tracehound.detectors.forests.fitting import PoolFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ExecutionHead
from tracehound.schemas.operations import normalize_operation
from tracehound.scripts.benchmarks.throughput.contenders.bare_consumer import decoded_batches
from tracehound.scripts.benchmarks.throughput.contenders.printed_count import PrintedCount


class Core(Protocol):
    """What is needed of ``detectors.scoring.scorer.Scorer``."""

    @property
    def chunk(self) -> int:
        """The most executions of one call of ``score``."""
        ...

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        """Refits that ``score(executions)`` would wait for."""
        ...

    def score(self, executions: Sequence[ExecutionHead]) -> object:
        """Score, then learn, in order."""
        ...


def score_all(executions: Sequence[ExecutionHead], scorer: Core, done: Callable[[int], None]) -> None:
    """Score and learn in chunks as the worker does, and wait for refits that are due; tells each chunk's size."""
    for chunk in _chunks(executions, scorer.chunk):
        wait(scorer.fits_due(chunk))
        scorer.score(chunk)
        done(len(chunk))


def _chunks(executions: Sequence[ExecutionHead], size: int) -> Iterator[Sequence[ExecutionHead]]:
    for start in range(0, len(executions), size):
        yield executions[start : start + size]


if __name__ == "__main__":
    counted = PrintedCount()
    counted.start()

    def add(number: int) -> None:
        """Count a chunk."""
        counted.done += number

    detectors = Scorer(DetectionSettings(), PoolFitter())
    for batch in decoded_batches(*sys.argv[1:]):
        for execution in batch:
            execution.operation = normalize_operation(execution.operation)
        score_all(batch, detectors, add)
