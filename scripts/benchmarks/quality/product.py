"""Runs the product's own scoring core over a recording, and measures what scoring costs while it does."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.commands.replay import with_templates
from tracehound.scripts.recorded.offline import Scores, TraceScores, score_traces
from tracehound.scripts.recorded.traces import ReadBytes, RecordedTrace

SLICE_CALLS = 10
"""Calls of ``score`` that one slice of the cost measurement spans."""


class TimedFitter:
    """Fits in this process; ``cpu_s`` is what that cost so far."""

    def __init__(self) -> None:
        self._inline = InlineFitter()
        self.cpu_s = 0.0
        self.fits = 0

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Run the fit now."""
        begun = time.process_time()
        future = self._inline.submit(fit, *arguments)
        self.cpu_s += time.process_time() - begun
        self.fits += 1
        return future

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class TimedScorer:
    """Passes executions on to a scorer; notes executions and CPU seconds of each call, fits left out."""

    scorer: Scores
    fitter: TimedFitter
    executions: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def chunk(self) -> int:
        """The scorer's own."""
        return self.scorer.chunk

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        fitted, begun = self.fitter.cpu_s, time.process_time()
        batch = self.scorer.score(executions)
        self.cpu_s.append(time.process_time() - begun - (self.fitter.cpu_s - fitted))
        self.executions.append(len(executions))
        return batch

    def now_s(self, application: ApplicationKey) -> float | None:
        """What time it is in an application, in epoch seconds."""
        return self.scorer.now_s(application)

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies of applications that have missed traffic."""
        return self.scorer.judge_silence(now_s, applications)

    def us_per_execution(self) -> float:
        """CPU microseconds per execution: the median over slices of calls of the second half, when forests stand."""
        steady = range(len(self.executions) // 2, len(self.executions), SLICE_CALLS)
        return statistics.median(
            1e6 * sum(self.cpu_s[first : first + SLICE_CALLS]) / sum(self.executions[first : first + SLICE_CALLS])
            for first in steady
        )


@dataclass(frozen=True, slots=True)
class ProductRun:
    """What the core made of a recording: per trace and as a whole, and what it cost.

    ``us_per_execution`` is CPU microseconds of features and detectors; ``fits`` and ``fit_cpu_s`` are apart.
    """

    kept: TraceScores
    us_per_execution: float
    fits: int
    fit_cpu_s: float


def run_product(
    data: DataSet,
    settings: DetectionSettings,
    read: ReadBytes | None = None,
    seen: Callable[[RecordedTrace], object] = lambda _: None,
) -> ProductRun:
    """Score everything in order, without labels, once. ``seen`` is given each trace as it is scored."""
    fitter = TimedFitter()
    scorer = TimedScorer(Scorer(settings, fitter), fitter)

    def traces() -> Iterator[RecordedTrace]:
        for trace in data.recording.traces(read=read):
            with_templates(trace)
            seen(trace)
            yield trace

    kept = score_traces(traces(), scorer, data.windows)
    return ProductRun(kept, scorer.us_per_execution(), fitter.fits, fitter.cpu_s)
