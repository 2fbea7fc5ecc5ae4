"""Contender: a confluent-kafka consumer with our detectors: no delivery, no saved states, no event loop.

Run as ``python -m scripts.benchmarks.contenders.bare_detectors BOOTSTRAP TOPIC GROUP``.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

from detectors.fitting import PoolFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from schemas.execution import ExecutionHead
from schemas.operations import normalize_operation
from scripts.benchmarks.contenders.bare_consumer import decoded_batches
from scripts.benchmarks.contenders.printed_count import PrintedCount


class Core(Protocol):
    """What is needed of ``detectors.scoring.Scorer``."""

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
