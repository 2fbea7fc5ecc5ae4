"""One size, measured in a process of its own: CPU time, memory, and what a restart has to do."""

import gc
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import active_children, get_context
from typing import Final

from tracehound.detectors.forests.fitting import Fitter, PoolFitter
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.scripts.benchmarks.scale.workload import MOST_OPERATIONS, Size, traffic
from tracehound.scripts.soak.memory import resident_bytes
from tracehound.streams.scoring.read_columns import ColumnReader

CHUNK: Final = 1_000
"""Executions that are scored at once, as in a worker that has much to read."""
_SAMPLED: Final = 50
_END_S: Final = 30.0
_LATER_S: Final = 4e9  # no execution lies in the future of this moment
_GC_THRESHOLDS: Final = (100_000, 20, 50)  # as in a worker


@dataclass(frozen=True, slots=True)
class Point:
    """What one size costs.

    ``us_per_execution`` is CPU time of decoding, scoring and learning, ``refit_us_per_execution`` that of refits, which
    run in another process, over all executions that were learned; ``learned_each`` of each operation came before the
    clock started. ``resident_mb`` is all memory of the process, ``models_mb`` what the models added to it.
    ``state_bytes`` are those of an operation's arrays, with its share of its application's. Snapshots are one
    application's; ``restore_s`` is CPU time for the models of all applications.
    """

    operations: int
    segments: int
    applications: int
    learned_each: float
    us_per_execution: float
    refit_us_per_execution: float
    resident_mb: float
    models_mb: float
    state_bytes: float
    snapshot_bytes: float
    snapshot_ms: float
    restore_ms: float
    restore_s: float

    @property
    def executions_per_cpu_second(self) -> float:
        """Refits apart, which run elsewhere."""
        return 1e6 / self.us_per_execution


def measure(size: Size, learned: int, measured: int) -> Point:
    """Measure a size in a new process: learn at least ``learned`` executions, then time ``measured`` of them."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure_here, size, learned, measured).result()


def measure_here(size: Size, learned: int, measured: int) -> Point:
    """The same in this process."""
    gc.set_threshold(*_GC_THRESHOLDS)
    fitter = PoolFitter()
    settings = DetectionSettings(applications_per_worker=max(2, size.applications + 1))
    try:
        fitter.submit(int).result()  # its process is there before anything is timed, and before it is ended
        scorer = Scorer(settings, fitter)
        _compile(scorer, size.segments)
        gc.collect()
        gc.freeze()
        before_bytes, source = resident_bytes(), traffic(size)
        refits_s = sum(_refits_cpu_s(scorer.score(chunk)) for chunk in _chunks(islice(source, learned)))
        us, more_s = _time(scorer, [encode(execution) for execution in islice(source, measured)])
        refits_s += more_s
        gc.collect()
        resident = resident_bytes()
        bytes_each, snapshot_ms, restore_ms = _restart(scorer, settings, fitter)
        return Point(
            operations=size.operations,
            segments=size.segments,
            applications=size.applications,
            learned_each=round(learned / size.operations, 1),
            us_per_execution=us,
            refit_us_per_execution=refits_s / (learned + measured) * 1e6,
            resident_mb=resident / 2**20,
            models_mb=(resident - before_bytes) / 2**20,
            state_bytes=scorer.statistics()["state_bytes"] / size.operations,
            snapshot_bytes=bytes_each,
            snapshot_ms=snapshot_ms,
            restore_ms=restore_ms,
            restore_s=restore_ms * size.applications / 1000.0,
        )
    finally:
        fitter.close()
        for child in active_children():  # a process of multiprocessing that ends at once may leave its own hanging
            child.join(_END_S)


def _compile(scorer: Scorer, segments: int) -> None:
    """Let another application compile all kernels and start the process that refits; then forget it."""
    for chunk in _chunks(islice(traffic(Size(MOST_OPERATIONS, segments)), 4 * CHUNK)):
        scorer.score(chunk)
    for application in scorer.applications():
        scorer.forget(application)


def _chunks(made: Iterator[Execution]) -> Iterator[list[Execution]]:
    while chunk := list(islice(made, CHUNK)):
        yield chunk


def _time(scorer: Scorer, values: Sequence[bytes]) -> tuple[float, float]:
    """CPU microseconds per execution from its bytes on, and CPU seconds of the refits that took effect meanwhile."""
    reader, refits_s = ColumnReader(Limits()), 0.0
    begun_s = time.process_time()
    for begin in range(0, len(values), CHUNK):
        read = reader.read(values[begin : begin + CHUNK], _LATER_S)
        if read is None:
            raise RuntimeError("Executions that were encoded here must be read.")
        refits_s += _refits_cpu_s(scorer.score(read.executions))
    return (time.process_time() - begun_s) / len(values) * 1e6, refits_s


def _refits_cpu_s(scored: ScoredBatch) -> float:
    return sum(event.data.cost.cpu_s for event in scored.model_events if event.data.cost is not None)


def _restart(scorer: Scorer, settings: DetectionSettings, fitter: Fitter) -> tuple[float, float, float]:
    """Bytes of a snapshot, and CPU milliseconds to take it and to restore it elsewhere; means of some applications."""
    chosen, restarted = scorer.applications()[:_SAMPLED], Scorer(settings, fitter)
    restarted.forget(restarted.restore(scorer.snapshot(chosen[0])))  # the first one also sets everything up
    begun_s = time.process_time()
    snapshots = [scorer.snapshot(application) for application in chosen]
    taken_s = time.process_time()
    for snapshot in snapshots:
        restarted.restore(snapshot)
    restored_s = time.process_time()
    each = len(chosen)
    return (
        sum(map(len, snapshots)) / each,
        (taken_s - begun_s) / each * 1000.0,
        (restored_s - taken_s) / each * 1000.0,
    )
