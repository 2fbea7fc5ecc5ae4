"""All detectors of a scorer side by side: one call per batch, and what they say as calibrated probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from tracehound.detectors.bank import Bank, Flags, Floats, Slots
from tracehound.detectors.calibration.calibration import Calibrated, Calibration
from tracehound.detectors.calibration.channel_statistics import take_charts, take_windows
from tracehound.detectors.charts.chart import Chart, ChartJudgement, ChartRules
from tracehound.detectors.charts.charts import CallJudgement, Charts, QueueJudgement
from tracehound.detectors.charts.drift import Drift, DriftFinding, keep_largest
from tracehound.detectors.charts.kernel import OWN_LEAST
from tracehound.detectors.charts.signals import CALLS, CHARTS, QUEUE
from tracehound.detectors.charts.smoothed import SmoothedScores
from tracehound.detectors.ensemble.bursting import judge_bursts
from tracehound.detectors.ensemble.changing import JudgedStructure, judge_structure, tell_changes_once
from tracehound.detectors.ensemble.opening import leave_to_release, windows_of_release
from tracehound.detectors.ensemble.registry import (
    DETECTORS,
    STRUCTURE,
    STRUCTURE_CHANGE,
    channels,
    chosen,
)
from tracehound.detectors.ensemble.resting import end_with_rest
from tracehound.detectors.errors.error_types import ErrorTypeJudgement, ErrorTypes
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.forests.refitting import RefittedBank
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.structure.detector import Structure, StructureJudgement
from tracehound.detectors.structure.exposure import Exposure
from tracehound.detectors.telling.deviation import TEMPLATE_RATE
from tracehound.detectors.windows.bursts import Burst, Bursts
from tracehound.detectors.windows.findings import SIGNALS as WINDOW_SIGNALS
from tracehound.detectors.windows.findings import JudgedWindows
from tracehound.detectors.windows.golden_signals import GoldenSignals

GATE_SCORE = 3.0
"""−log10 of the probability from which a detector keeps an execution away from other detectors' learning."""
UNSURE = 0.9
"""What a deviation that has not lasted yet counts at most, in multiples of what is told at least."""
NOVELTY_SCALE = 8.0
"""Structure's score that counts as 1 in the features of the detectors per application."""
DRIFTING = tuple(signal.name for signal in (*CHARTS, *CALLS))
"""Features whose distribution is watched per operation: charted signals, and the execution's largest of each call's."""
_LOCAL = [signal.name for signal in CHARTS].index("local_ms")


@dataclass(frozen=True, slots=True)
class DetectorJudgement:
    """What one bank of the registry says about n executions: each array is (n,).

    ``sigma`` comes from the chart of its scores (0 for a calibrated bank), ``score`` is −log10 of the false-alarm
    probability by a calibrated bank (else 0); both are 0 while warming. The rest is as in ``detectors.bank.Judged``.
    """

    sigma: Floats
    score: Floats
    typical: Floats | None = None
    actual: Floats | None = None
    count: Floats | None = None
    lasting: Flags | None = None


@dataclass(frozen=True, slots=True)
class Judgements:
    """What all detectors say about n executions.

    ``calibrated`` has a column per channel of ``Ensemble.channels``; ``warming`` (n,) is True where the operation
    has too few values of its own to be judged by them alone, ``normal`` (n,) True where nothing deviates,
    ``columns`` the features that banks were given, by name. ``drifted`` are columns of ``DRIFTING``. ``queues`` is None
    where no execution tells how long its messages waited; those that waited long are normal for all the rest.
    ``bursts`` is None where there are no log events.
    """

    charts: tuple[ChartJudgement, ...]
    calls: tuple[CallJudgement, ...]
    structure: StructureJudgement
    structure_score: Floats
    structure_change: Floats
    error_types: ErrorTypeJudgement
    detectors: tuple[DetectorJudgement, ...]
    windows: JudgedWindows
    calibrated: Calibrated
    warming: Flags
    normal: Flags
    columns: dict[str, Floats]
    drifted: tuple[DriftFinding, ...] = ()
    queues: QueueJudgement | None = None
    bursts: Burst | None = None


class Ensemble:
    """Every detector, for all operations, called peers and applications of a scorer.

    Raises:
        ConfigurationError: the settings name a detector that does not exist.
    """

    def __init__(self, settings: DetectionSettings) -> None:
        self._settings = settings
        self.charts = Charts(settings)
        self.structure = Structure(settings.warm_up_executions, GATE_SCORE, settings.patience_s)
        self.exposure = Exposure()
        self.structure_changes = SmoothedScores()
        self.error_types = ErrorTypes(patience_s=settings.patience_s)
        self.detectors: tuple[Bank, ...] = chosen(DETECTORS, settings)
        self._column_names = {bank.columns for bank in self.detectors}
        rules = ChartRules(settings.warm_up_executions, settings.gate_sigma, settings.patience_s)
        self.score_charts = tuple(None if bank.calibrated else Chart(rules) for bank in self.detectors)
        self.drift = Drift(len(DRIFTING), settings.patience_s)
        self.bursts = Bursts(settings.window_s)
        self.windows = GoldenSignals(settings.window_s, settings.lateness_s, patience_s=settings.persist_s)
        self.channels = channels(settings, self.detectors, tuple(signal.name for signal in WINDOW_SIGNALS))
        self.calibration = Calibration(self.channels, settings.alarm_budget)
        self._channel = {channel.name: number for number, channel in enumerate(self.channels)}

    def open_operation(self, slot: int, seed: int) -> None:
        """Start afresh for the operation in ``slot``."""
        self.charts.open_operation(slot, seed)
        self.structure.open(slot, seed)
        self.drift.open(slot, seed)
        self.structure_changes.open(slot)
        self.bursts.open(slot)
        self._open_detectors("operation", slot, seed)

    def open_to_restore(self, slots: Slots, seeds: Sequence[int]) -> None:
        """Start afresh, for the operations in ``slots`` (n,), what their stored states may lack or know little of:
        charts, structure and drift, which cost most, are those of the slots before until they are restored."""
        self.structure_changes.open_all(slots)
        self.bursts.open_all(slots)
        for slot, seed in zip(slots.tolist(), seeds, strict=True):
            self._open_detectors("operation", slot, seed)

    def open_application(self, slot: int, seed: int) -> None:
        """Start afresh for the application in ``slot``."""
        self.charts.open_application(slot, seed)
        self.exposure.open(slot)
        self.error_types.open(slot, seed)
        self.windows.open(slot, seed)
        self.bursts.open_group(slot)
        self.calibration.open(slot, seed)
        for chart in self.score_charts:
            if chart is not None:
                chart.open_pool(slot, seed)
        self._open_detectors("application", slot, seed)

    def _open_detectors(self, scope: str, slot: int, seed: int) -> None:
        for bank, chart in zip(self.detectors, self.score_charts, strict=True):
            if bank.scope == scope:
                bank.open(slot, seed)
                if chart is not None:
                    chart.open(slot, seed)

    def refitted(self) -> dict[str, RefittedBank]:
        """The detectors that are refitted, by name."""
        return {bank.name: bank for bank in self.detectors if isinstance(bank, RefittedBank)}

    def install(self, name: str, slot: int, fitted: Any, seed: int) -> None:
        """Let a fitted model take effect; the chart of its scores starts afresh, since they are on another scale."""
        for bank, chart in zip(self.detectors, self.score_charts, strict=True):
            if bank.name == name and isinstance(bank, RefittedBank):
                bank.install(slot, fitted)
                if chart is not None:
                    chart.open(slot, seed)
                    chart.open_pool(slot, seed)

    def judge_then_learn(self, batch: Batch) -> Judgements:
        """Judge each execution, then learn it, in order."""
        n = len(batch.times)
        charts, calls = self.charts.judge_signals(batch), self.charts.judge_calls(batch)
        warming = charts[_LOCAL].learned < self._settings.warm_up_executions
        statistics = np.full((n, len(self.channels)), np.nan)
        normal = take_charts(batch.signals, charts, calls, self._settings.gate_sigma, statistics)
        opening = batch.times < batch.opening_until
        leave_to_release(opening, batch, charts, calls, statistics)
        patience = batch.patience(self._settings.patience_s)
        seasonal = np.logical_or.reduce([chart.seasonal for chart in charts] + [call.seasonal for call in calls])
        normal &= ~seasonal
        structure = self.structure.judge_then_learn(batch.operations, batch.paths, batch.times, normal, patience)
        # Structure knows neither hours nor releases: charts judge times then.
        excused = seasonal | opening
        structure.score[excused] = np.maximum(structure.novelty, structure.count_excess)[excused]
        exposure = self.exposure.weigh_then_learn(batch.applications, batch.paths, np.ones(n, np.bool_))
        normal &= structure.score < GATE_SCORE
        changes = self.structure_changes
        judged_structure = judge_structure(changes, batch, structure, exposure, self._settings.patience_s)
        error_types = self.error_types.judge_then_learn(batch.applications, batch.error_types, batch.times)
        columns = self._columns(batch, charts, calls, structure)
        given = {names: _side_by_side(columns, names) for names in self._column_names}
        detectors = []
        for bank, chart in zip(self.detectors, self.score_charts, strict=True):
            judgement = self._judge(bank, chart, batch, given[bank.columns], normal & ~warming, warming)
            if bank.calibrated:
                normal = normal & (judgement.score < GATE_SCORE)
            detectors.append(judgement)
        windows = self._judge_windows(batch, charts[_LOCAL])
        windows.matters[windows_of_release(windows, batch)] = False
        queues = self.charts.judge_queues(batch)
        if queues is not None:
            statistics[:, self.channel(QUEUE.name)] = queues.sigma_of_rows(n, UNSURE * self._settings.least_sigma)
        bursts = judge_bursts(self.bursts, batch, self.channel(TEMPLATE_RATE), statistics)
        self._add_statistics(judged_structure, error_types, tuple(detectors), windows, statistics)
        lasting = self._lasting(batch, tuple(detectors), judged_structure.certain)
        calibrated = self.calibration.judge_then_learn(batch.applications, statistics, batch.times, lasting)
        calibrated = end_with_rest(charts, calls, calibrated)
        column, rest_s = self.channel(STRUCTURE_CHANGE), self._settings.rest_s
        calibrated = tell_changes_once(changes, column, batch, judged_structure.since, calibrated, rest_s)
        return Judgements(
            charts,
            calls,
            structure,
            judged_structure.score,
            judged_structure.change,
            error_types,
            tuple(detectors),
            windows,
            calibrated,
            warming,
            normal,
            columns,
            self._watch_drift(batch, normal & ~warming),
            queues,
            bursts,
        )

    def _watch_drift(self, batch: Batch, learn: Flags) -> tuple[DriftFinding, ...]:
        """What has drifted; executions that deviate do not count, so that a fault is not taken for drift."""
        values = np.full((len(batch.times), len(DRIFTING)), np.nan)
        values[:, : len(CHARTS)] = batch.signals
        for column, calls in enumerate(batch.calls, start=len(CHARTS)):
            keep_largest(values, column, calls.rows, calls.values)
        return tuple(self.drift.observe(batch.operations, values, batch.times, learn))

    def _judge_windows(self, batch: Batch, local: ChartJudgement) -> JudgedWindows:
        usual = np.where(local.learned >= OWN_LEAST, ndtri(local.rank), np.nan)
        return self.windows.observe(
            *(batch.applications, batch.counted, batch.durations, batch.errors, usual),
            *(batch.patience(), batch.anew, batch.adjusted),
        )

    @staticmethod
    def _columns(
        batch: Batch,
        charts: tuple[ChartJudgement, ...],
        calls: tuple[CallJudgement, ...],
        structure: StructureJudgement,
    ) -> dict[str, Floats]:
        columns: dict[str, Floats] = {
            "error": batch.errors,
            "adjusted_count": batch.adjusted,
            "novelty": np.minimum(1.0, structure.score / NOVELTY_SCALE),
        }
        for column, (signal, judged) in enumerate(zip(CHARTS, charts, strict=True)):
            columns[signal.name] = batch.signals[:, column]
            columns[f"rank.{signal.name}"] = judged.rank
        for signal, call in zip(CALLS, calls, strict=True):
            columns[f"rank.{signal.name}"] = call.rank
        return columns

    def _judge(
        self,
        bank: Bank,
        chart: Chart | None,
        batch: Batch,
        values: Floats,
        learn: Flags,
        warming: Flags,
    ) -> DetectorJudgement:
        slots = batch.operations if bank.scope == "operation" else batch.applications
        if chart is None:
            given = bank.judge_then_learn_many(slots, values, batch.times, np.ones(len(slots), np.bool_))
            score = given.score
            if bank.kind == "errors":  # what failed before a rest is nothing against what does not fail after it
                score = np.where(batch.early & (batch.errors == 0.0), 0.0, score)
            return DetectorJudgement(
                *(np.zeros(len(slots)), score, given.typical, given.actual, given.count, given.lasting)
            )
        raw = bank.score_then_learn_many(slots, values, batch.times, learn)
        # A warming bank scores 0, and the ranks of a warming operation say nothing: neither has a score to chart.
        usable = np.where((raw == 0.0) | warming, np.nan, raw)
        lasting = (batch.patience(), batch.released, batch.early)
        judged = chart.judge_then_learn(slots, batch.applications, usable, batch.times, None, *lasting)
        return DetectorJudgement(judged.sigma, np.zeros(len(slots)))

    def _lasting(self, batch: Batch, detectors: tuple[DetectorJudgement, ...], certain: Flags) -> Flags | None:
        """(n, k) True where failures have outlasted patience: they are judged, and the calibration is not taught them.

        Nor do good executions after failed ones teach it, since they are not told, nor changes of structure that are
        ``certain`` (n,) whatever it knows. None where there are none.
        """
        failing = any(judged.lasting is not None and judged.score.any() for judged in detectors)
        if not (failing or certain.any()):
            return None  # as in most batches
        lasting = np.zeros((len(batch.times), len(self.channels)), np.bool_)
        lasting[:, self.channel(STRUCTURE_CHANGE)] = certain
        if not failing:
            return lasting
        banks = zip(self.detectors, detectors, strict=True)
        for column, (bank, judged) in enumerate(banks, start=self.channel(STRUCTURE) + 3):
            if judged.lasting is not None:
                lasting[:, column] = judged.lasting
            if bank.kind == "errors":
                lasting[:, column] |= (judged.score > 0.0) & (batch.errors == 0.0)
        return lasting

    def _add_statistics(
        self,
        structure: JudgedStructure,
        error_types: ErrorTypeJudgement,
        detectors: tuple[DetectorJudgement, ...],
        windows: JudgedWindows,
        statistics: Floats,
    ) -> None:
        """Fill the columns (n, k) of the channels after those of charts; NaN where one has nothing to say."""
        first = self.channel(STRUCTURE)
        statistics[:, first] = structure.score
        certain = self.channels[first + 1].ceiling
        statistics[:, first + 1] = np.where(structure.certain, certain, structure.change)
        statistics[:, first + 2] = np.where(error_types.new, error_types.score, np.nan)
        banks = zip(self.detectors, detectors, strict=True)
        for column, (bank, judged) in enumerate(banks, start=first + 3):
            statistics[:, column] = judged.score if bank.calibrated else judged.sigma
        take_windows(windows, first + 3 + len(detectors), len(WINDOW_SIGNALS), statistics)

    def channel(self, name: str) -> int:
        """The column of a channel in the calibrated scores."""
        return self._channel[name]

    def channel_names(self) -> list[str]:
        """The channels in the order of their columns."""
        return list(self._channel)

    def charted_scores(self) -> list[tuple[str, Chart]]:
        """The charts of the scores of banks that are not calibrated, by the bank's name."""
        pairs = zip(self.detectors, self.score_charts, strict=True)
        return [(bank.name, chart) for bank, chart in pairs if chart is not None]


def _side_by_side(columns: dict[str, Floats], names: tuple[str, ...]) -> Floats:
    """The named columns as (n, k)."""
    values = np.empty((len(columns[names[0]]), len(names)))
    for place, name in enumerate(names):
        values[:, place] = columns[name]
    return values
