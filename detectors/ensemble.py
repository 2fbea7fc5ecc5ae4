"""All banks of a scorer side by side: one slot per operation and per application, one call per batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Bank, Flags, Floats, Slots, State
from detectors.chart import Chart, ChartJudgement, chart_score
from detectors.probability import score_of_sigma
from detectors.refitting import RefittedBank
from detectors.registry import CHARTS, DETECTORS, ChartedSignal
from detectors.settings import DetectionSettings

GATE_SCORE = 3.0
"""−log10 of the probability from which a calibrated detector keeps an execution away from other detectors' learning."""
LARGEST_UNIMPORTANT_SIGMA = 3.0
"""What a deviation counts at most that is too small to matter."""


@dataclass(frozen=True, slots=True)
class Batch:
    """n executions as arrays, in event order per application.

    ``operations`` and ``applications`` (n,) are slots, ``times`` (n,) epoch seconds; ``signals`` (n, 4) as in
    ``detectors.features.SIGNALS``, ``errors`` (n,) 0 or 1.
    """

    operations: Slots
    applications: Slots
    times: Floats
    signals: Floats
    errors: Floats


@dataclass(frozen=True, slots=True)
class DetectorJudgement:
    """What one detector of the registry says about n executions: each array is (n,).

    ``sigma`` comes from the chart of its scores (0 for a calibrated detector), ``score`` is −log10 of the
    false-alarm probability; both are 0 while warming.
    """

    sigma: Floats
    score: Floats
    typical: Floats | None = None
    actual: Floats | None = None


@dataclass(frozen=True, slots=True)
class Judgements:
    """What all detectors say about n executions.

    ``score`` (n,) is the largest −log10 of a false-alarm probability, ``warming`` (n,) True where the operation's
    charts cannot judge yet, ``normal`` (n,) True where nothing deviates, ``columns`` the features that detectors
    were given, by name.
    """

    charts: tuple[ChartJudgement, ...]
    detectors: tuple[DetectorJudgement, ...]
    score: Floats
    warming: Flags
    normal: Flags
    columns: dict[str, Floats]


class Ensemble:
    """The charts and detectors of the registry, for all operations and applications of a scorer."""

    def __init__(self, settings: DetectionSettings) -> None:
        def chart() -> Chart:
            return Chart(settings.warm_up_executions, settings.gate_sigma, settings.patience_s)

        self._settings = settings
        self.charts = tuple(chart() for _ in CHARTS)
        self.detectors: tuple[Bank, ...] = tuple(build(settings) for build in DETECTORS)
        self.score_charts = tuple(None if detector.calibrated else chart() for detector in self.detectors)

    def open_operation(self, slot: int, seed: int) -> None:
        """Start afresh for the operation in ``slot``."""
        for chart in self.charts:
            chart.open(slot, seed)
        self._open_detectors("operation", slot, seed)

    def open_application(self, slot: int, seed: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._open_detectors("application", slot, seed)

    def _open_detectors(self, scope: str, slot: int, seed: int) -> None:
        for detector, chart in zip(self.detectors, self.score_charts, strict=True):
            if detector.scope == scope:
                detector.open(slot, seed)
                if chart is not None:
                    chart.open(slot, seed)

    def refitted(self) -> dict[str, RefittedBank]:
        """The detectors that are refitted, by name."""
        return {detector.name: detector for detector in self.detectors if isinstance(detector, RefittedBank)}

    def install(self, name: str, slot: int, fitted: Any, seed: int) -> None:
        """Let a fitted model take effect; the chart of its scores starts afresh, since they are on another scale."""
        for detector, chart in zip(self.detectors, self.score_charts, strict=True):
            if detector.name == name and isinstance(detector, RefittedBank):
                detector.install(slot, fitted)
                if chart is not None:
                    chart.open(slot, seed)

    def judge_then_learn(self, batch: Batch) -> Judgements:
        """Judge each execution, then learn it, in order."""
        charts = tuple(
            chart.judge_then_learn(batch.operations, batch.signals[:, column], batch.times)
            for column, chart in enumerate(self.charts)
        )
        columns = self._columns(batch, charts)
        learn: NDArray[np.bool_] = np.ones(len(batch.times), np.bool_)
        score = np.zeros(len(batch.times))
        for signal, judged in zip(CHARTS, charts, strict=True):
            learn &= np.abs(judged.sigma) < self._settings.gate_sigma
            matters = judged.level - judged.bounds[:, 1] >= self._least_excess(signal)
            weighted = self._chart_weight(signal) * np.where(
                matters, judged.sigma, np.minimum(judged.sigma, LARGEST_UNIMPORTANT_SIGMA)
            )
            score = np.maximum(score, chart_score(weighted, judged))
        warming = charts[CHARTS_DURATION].warming
        detectors = []
        for detector, chart in zip(self.detectors, self.score_charts, strict=True):
            judgement = self._judge(detector, chart, batch, columns, learn & ~warming, warming)
            if detector.calibrated:
                learn = learn & (judgement.score < GATE_SCORE)
            detectors.append(judgement)
            score = np.maximum(score, judgement.score)
        return Judgements(charts, tuple(detectors), score, warming, learn, columns)

    @staticmethod
    def _columns(batch: Batch, charts: Sequence[ChartJudgement]) -> dict[str, Floats]:
        columns: dict[str, Floats] = {"error": batch.errors}
        for column, (signal, judged) in enumerate(zip(CHARTS, charts, strict=True)):
            columns[signal.name] = batch.signals[:, column]
            columns[f"rank.{signal.name}"] = judged.rank
        return columns

    def _chart_weight(self, signal: ChartedSignal) -> float:
        """Where more sigma are asked for before an alarm, a sigma says less."""
        return self._settings.minor_sigma / self._settings.major_sigma if signal.whole else 1.0

    def _least_excess(self, signal: ChartedSignal) -> float:
        """Above typical, in the signal's unit: a smaller deviation is real, but matters to nobody."""
        return self._settings.minimum_excess_ms if signal.kind == "latency" else 0.0

    def _judge(
        self,
        detector: Bank,
        chart: Chart | None,
        batch: Batch,
        columns: dict[str, Floats],
        learn: Flags,
        warming: Flags,
    ) -> DetectorJudgement:
        slots = batch.operations if detector.scope == "operation" else batch.applications
        values = np.column_stack([columns[name] for name in detector.columns])
        if chart is None:
            given = detector.judge_then_learn_many(slots, values, batch.times, np.ones(len(slots), np.bool_))
            return DetectorJudgement(np.zeros(len(slots)), given.score, given.typical, given.actual)
        raw = detector.score_then_learn_many(slots, values, batch.times, learn)
        # A warming bank scores 0, and the ranks of a warming operation say nothing: neither has a score to chart.
        judged = chart.judge_then_learn(slots, np.where((raw == 0.0) | warming, np.nan, raw), batch.times)
        weight = self._settings.minor_sigma / self._settings.outlier_sigma
        score = np.where(judged.sigma > 0, score_of_sigma(weight * judged.sigma), 0.0)
        return DetectorJudgement(judged.sigma, score)

    def snapshot_operation(self, slot: int) -> dict[str, State]:
        """The state of an operation in every bank of that scope."""
        state = {
            f"chart {signal.name}": chart.snapshot(slot) for signal, chart in zip(CHARTS, self.charts, strict=True)
        }
        return state | self._snapshot_detectors("operation", slot)

    def snapshot_application(self, slot: int) -> dict[str, State]:
        """The state of an application in every bank of that scope."""
        return self._snapshot_detectors("application", slot)

    def _snapshot_detectors(self, scope: str, slot: int) -> dict[str, State]:
        state: dict[str, State] = {}
        for detector, chart in zip(self.detectors, self.score_charts, strict=True):
            if detector.scope == scope:
                state[detector.name] = detector.snapshot(slot)
                if chart is not None:
                    state[f"chart {detector.name}"] = chart.snapshot(slot)
        return state

    def restore_operation(self, slot: int, state: dict[str, State]) -> None:
        """Take over an operation's state; a bank that the state does not know stays fresh."""
        for signal, chart in zip(CHARTS, self.charts, strict=True):
            chart.restore(slot, state[f"chart {signal.name}"])
        self._restore_detectors("operation", slot, state)

    def restore_application(self, slot: int, state: dict[str, State]) -> None:
        """Take over an application's state; a bank that the state does not know stays fresh."""
        self._restore_detectors("application", slot, state)

    def _restore_detectors(self, scope: str, slot: int, state: dict[str, State]) -> None:
        for detector, chart in zip(self.detectors, self.score_charts, strict=True):
            if detector.scope == scope and detector.name in state:
                detector.restore(slot, state[detector.name])
                if chart is not None:
                    chart.restore(slot, state[f"chart {detector.name}"])

    def nbytes(self, operations: int, applications: int) -> int:
        """Bytes that so many operations and applications take."""
        per_operation = sum(chart.nbytes() for chart in self.charts)
        per_application = 0
        for detector, chart in zip(self.detectors, self.score_charts, strict=True):
            size = detector.nbytes(0) + (chart.nbytes() if chart is not None else 0)
            per_operation += size if detector.scope == "operation" else 0
            per_application += size if detector.scope == "application" else 0
        return operations * per_operation + applications * per_application


CHARTS_DURATION = [signal.name for signal in CHARTS].index("duration_ms")
