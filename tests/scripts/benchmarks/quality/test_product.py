import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.scripts.benchmarks.quality.product import TimedFitter, TimedScorer, run_product
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.recorded.traces import open_recording

Write = Callable[[Path], Path]


def burn(cpu_s: float) -> float:
    begun = time.process_time()
    while time.process_time() - begun < cpu_s:
        pass
    return cpu_s


class FittingScorer:
    """Scores zeros, and fits in every call."""

    chunk = 7

    def __init__(self, fitter: TimedFitter) -> None:
        self._fitter = fitter

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        self._fitter.submit(burn, 0.3)
        n = len(executions)
        return ScoredBatch(np.zeros(n), [None] * n, np.zeros(n, np.bool_), [], [])

    def now_s(self, application: ApplicationKey) -> float | None:
        return None

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        return []


def test_fits_are_counted_apart_from_scoring() -> None:
    fitter = TimedFitter()
    timed = TimedScorer(FittingScorer(fitter), fitter)

    batch = timed.score([Execution("cart", "GET /", 0.0, 1.0)] * 3)

    assert (timed.chunk, len(batch.score), timed.executions) == (7, 3, [3])
    assert fitter.fits == 1
    assert fitter.cpu_s >= 0.3
    assert timed.cpu_s[0] < fitter.cpu_s


def test_cost_is_the_median_slice_of_the_second_half() -> None:
    fitter = TimedFitter()
    timed = TimedScorer(FittingScorer(fitter), fitter)
    # 30 calls: learning to score takes long, one slice is disturbed.
    timed.executions = [100] * 60
    timed.cpu_s = [1.0] * 30 + [0.001] * 10 + [0.002] * 10 + [0.9] * 10

    assert timed.us_per_execution() == pytest.approx(20.0)


def test_the_core_finds_the_injected_delay_and_is_handed_every_trace(tmp_path: Path, write_windows: Write) -> None:
    data = DataSet(open_recording(write_windows(tmp_path / "made")), warm_up=200)
    seen: list[str] = []

    run = run_product(data, DetectionSettings(), seen=lambda trace: seen.append(trace.trace_id))

    assert len(seen) == len(run.kept.score) == 500
    assert run.kept.executions == 1_000
    assert run.kept.applications == {"gateway", "cart"}
    assert len(run.kept.window_alarms_s()) >= 30
    assert run.us_per_execution > 0
