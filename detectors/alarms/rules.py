"""From judgements to alarms: which of an execution's deviations are told, as what, and in which words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tracehound.detectors.alarms.of_logs import template_burst
from tracehound.detectors.alarms.of_structure import structure_alarm
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.bank import Bank
from tracehound.detectors.charts.chart import ChartJudgement
from tracehound.detectors.charts.charts import CallJudgement
from tracehound.detectors.charts.kernel import EVIDENT
from tracehound.detectors.charts.signals import CALLS, CHARTS, QUEUE, ChartedSignal
from tracehound.detectors.ensemble.ensemble import DetectorJudgement, Ensemble, Judgements
from tracehound.detectors.ensemble.registry import SINGLE, STRUCTURE, STRUCTURE_CHANGE
from tracehound.detectors.features.batch import QUEUES
from tracehound.detectors.features.profile import OWN_CODE, TIME_COLUMN, part_name, parts
from tracehound.detectors.packed.probability import sigma_of_score
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling import explanation
from tracehound.detectors.telling.alarm import Alarm, Explanation, shares
from tracehound.detectors.telling.deviation import ERROR_TYPE, MESSAGES_OF, TEMPLATE_RATE, Deviation
from tracehound.detectors.telling.severity import Evidence, effect_of, severity_of
from tracehound.schemas.anomaly import SEVERITIES, AnomalyKind, Severity

LEAST_EFFECT = 2.0
"""Times the usual error rate below which the recent one is no anomaly."""
LEAST_FAILED = 5
"""Failed executions from which a share of them is more than minor: chance brings them in twos and threes."""
CLEAR = 1.0
"""Score above the limit from which a share of failures is more than minor: a tenth of the false alarms is."""
_MEAN_RANK = 0.5
_CHART, _TAIL = "rank-ewma-chart", "extreme-value-tail"


class AlarmRules:
    """Tells for each execution of a judged batch which alarms it is."""

    def __init__(self, settings: DetectionSettings, ensemble: Ensemble) -> None:
        self._settings = settings
        self._detectors: Sequence[Bank] = ensemble.detectors
        sources = self._by_channel()
        self._sources = [sources.get(channel.name) for channel in ensemble.channels]
        self._of_executions = np.array([source is not None for source in self._sources])

    def _by_channel(self) -> dict[str, Callable[[Subject, Judgements, float], Alarm | None]]:
        """Who describes an alarm of a channel; windows are described elsewhere."""
        return {
            SINGLE: self._single,
            STRUCTURE: self._structure,
            STRUCTURE_CHANGE: partial(self._structure, changed=True),
            ERROR_TYPE: self._error_type,
            **{signal.name: partial(self._chart, column=column) for column, signal in enumerate(CHARTS)},
            **{signal.name: partial(self._call, column=column) for column, signal in enumerate(CALLS)},
            QUEUE.name: self._queue,
            TEMPLATE_RATE: partial(template_burst, self._settings),
            **{bank.name: partial(self._bank, number=number) for number, bank in enumerate(self._detectors)},
        }

    def candidates(self, judged: Judgements) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Rows where an execution is an alarm, in order."""
        return np.flatnonzero((judged.calibrated.alarm & self._of_executions).any(axis=1))

    def alarms(self, subject: Subject, judged: Judgements) -> list[Alarm]:
        """All alarms of one execution, in the order of channels."""
        row, alarms = subject.row, []
        for channel in np.flatnonzero(judged.calibrated.alarm[row]).tolist():
            source, score = self._sources[channel], float(judged.calibrated.scores[row, channel])
            alarm = None if source is None else source(subject, judged, score)
            if alarm is not None:
                alarms.append(alarm if _shows(alarm.deviation) else replace(alarm, evident=False))
        return alarms

    @staticmethod
    def gravest(alarms: Iterable[Alarm]) -> list[Alarm]:
        """Of one execution's alarms at most one per kind: the gravest, then the most improbable one."""
        found: dict[AnomalyKind, Alarm] = {}
        for alarm in alarms:
            if alarm.kind not in found or _weight(alarm) > _weight(found[alarm.kind]):
                found[alarm.kind] = alarm
        return list(found.values())

    def _chart(self, subject: Subject, judged: Judgements, score: float, column: int) -> Alarm:
        signal, chart, row = CHARTS[column], judged.charts[column], subject.row
        value = _measured(judged, signal, row)
        evident = bool(chart.evident[row])
        actual = value if evident else float(chart.level[row])
        return self._latency(subject, signal, chart, row, actual, score, single=False, evident=evident)

    def _call(self, subject: Subject, judged: Judgements, score: float, column: int) -> Alarm:
        call = judged.calls[column]
        entry = int(call.worst[subject.row])
        value = float(call.calls.values[entry])
        evident = bool(call.chart.evident[entry])
        actual = value if evident else float(call.chart.level[entry])
        return self._slow_call(subject, column, call, entry, actual, score, single=False, evident=evident)

    def _single(self, subject: Subject, judged: Judgements, score: float) -> Alarm:
        """One execution far out in the tail of one of its signals, or of one of its calls."""
        row = subject.row
        tails = [float(chart.tail[row]) for chart in judged.charts] + [float(call.tail[row]) for call in judged.calls]
        column = int(np.argmax(tails))
        if column < len(CHARTS):
            value = _measured(judged, CHARTS[column], row)
            return self._latency(subject, CHARTS[column], judged.charts[column], row, value, score, single=True)
        call = judged.calls[column - len(CHARTS)]
        entry = int(call.longest[row])
        value = float(call.calls.values[entry])
        return self._slow_call(subject, column - len(CHARTS), call, entry, value, score, single=True)

    def _latency(
        self,
        subject: Subject,
        signal: ChartedSignal,
        chart: ChartJudgement,
        place: int,
        actual: float,
        score: float,
        single: bool,
        evident: bool = True,
    ) -> Alarm:
        low, typical, high = (float(bound) for bound in chart.bounds[place])
        sigma = sigma_of_score(float(chart.tail[place])) if single else float(chart.sigma[place])
        severity = self._severity(signal.kind, 0.0 if single else sigma, actual, typical)
        joined = any(segment.remote_ms is not None for segment in subject.execution.segments)
        name = "duration_ms" if signal.name == "local_ms" and not joined else signal.name
        operation, bounds = subject.operation.name, (low, high)

        def explain() -> Explanation:
            if signal.kind == "saturation":
                return Explanation({"memory": 1.0}, explanation.memory_sentence(operation, actual, typical, bounds))
            contributions = _local_contributions(subject, signal)
            numbers = (actual, typical, bounds, single)
            return Explanation(contributions, explanation.latency_sentence(operation, name, *numbers, contributions))

        deviation = Deviation(name, signal.unit, typical, actual, bounds, score, sigma)
        lasting = 0.0 if single else float(chart.lasting[place])
        named = (operation, operation, explain, lasting)
        return Alarm(signal.kind, severity, _TAIL if single else _CHART, deviation, *named, evident=evident)

    def _slow_call(
        self,
        subject: Subject,
        column: int,
        call: CallJudgement,
        entry: int,
        actual: float,
        score: float,
        single: bool,
        evident: bool = True,
    ) -> Alarm:
        signal = CALLS[column]
        low, typical, high = (float(bound) for bound in call.chart.bounds[entry])
        sigma = sigma_of_score(float(call.chart.tail[entry])) if single else float(call.chart.sigma[entry])
        severity = self._severity(signal.kind, 0.0 if single else sigma, actual, typical)
        peer, bounds = subject.application.peer_of(column, int(call.calls.slots[entry])), (low, high)

        def explain() -> Explanation:
            numbers = (actual, typical, bounds, single)
            reason = explanation.call_sentence(subject.operation.name, peer, column == 0, *numbers)
            return Explanation(self._call_contributions(subject, column, call), reason)

        deviation = Deviation(signal.name, signal.unit, typical, actual, bounds, score, sigma)
        lasting = 0.0 if single else float(call.chart.lasting[entry])
        named = (subject.operation.name, f"calls to {peer}", explain, lasting)
        return Alarm(signal.kind, severity, _TAIL if single else _CHART, deviation, *named, evident=evident)

    def _queue(self, subject: Subject, judged: Judgements, score: float) -> Alarm | None:
        found = judged.queues
        if found is None:
            return None
        place, chart = found.place_of(subject.row), found.chart
        evident = bool(chart.evident[place])
        actual = float(found.waits.values[place]) if evident else float(chart.level[place])
        low, typical, high = (float(bound) for bound in chart.bounds[place])
        sigma, operation = float(chart.sigma[place]), subject.operation.name
        queue = subject.application.peer_of(QUEUES, int(found.waits.slots[place]))
        severity = self._severity(QUEUE.kind, sigma, actual, typical)

        def explain() -> Explanation:
            reason = explanation.queue_sentence(queue, operation, actual, typical, (low, high))
            return Explanation({f"{MESSAGES_OF}{queue}": 1.0}, reason)

        deviation = Deviation(QUEUE.name, QUEUE.unit, typical, actual, (low, high), score, sigma)
        named = (operation, f"{MESSAGES_OF}{queue}", explain, float(chart.lasting[place]))
        return Alarm(QUEUE.kind, severity, _CHART, deviation, *named, evident=evident)

    def _call_contributions(self, subject: Subject, column: int, call: CallJudgement) -> dict[str, float]:
        """Shares of what the execution's deviating calls take more than usual."""
        worst = int(call.worst[subject.row])
        excess: dict[str, float] = {}
        for entry in np.flatnonzero(call.calls.rows == subject.row).tolist():
            slot = int(call.calls.slots[entry])
            value = float(call.calls.values[entry])
            actual = max(value, float(call.chart.level[entry])) if entry == worst else value
            typical, high = call.chart.bounds[entry, 1:]
            over = max(0.0, actual - float(typical)) if high > 0.0 else 0.0
            name = f"calls to {subject.application.peer_of(column, slot)}"
            excess[name] = excess.get(name, 0.0) + over
        return shares(excess)

    def _severity(self, kind: AnomalyKind, sigma: float, actual: float, typical: float) -> Severity:
        evidence = Evidence(kind, sigma=sigma, effect=effect_of(actual, typical), excess=actual - typical)
        return severity_of(evidence, self._settings)

    def _structure(self, subject: Subject, judged: Judgements, score: float, changed: bool = False) -> Alarm | None:
        return structure_alarm(subject, judged, score, self._settings, changed)

    def _error_type(self, subject: Subject, judged: Judgements, score: float) -> Alarm | None:
        error, row, types = subject.execution.error, subject.row, judged.error_types
        if error is None or not error.type:
            return None
        sightings, since = int(types.sightings[row]), int(types.since[row])
        severity, scope = severity_of(Evidence("errors", effect=1.0), self._settings), subject.operation.name

        def explain() -> Explanation:
            if subject.execution.kind == "log":
                reason = explanation.new_log_sentence(scope, sightings, since + 1)
            else:
                reason = explanation.error_type_sentence(scope, error.type, sightings, since + 1)
            return Explanation({error.type: 1.0}, reason)

        deviation = Deviation(
            signal=ERROR_TYPE,
            unit="executions",
            typical=0.0,
            actual=float(sightings),
            bounds=(0.0, 0.0),
            score=score,
            sigma=sigma_of_score(float(types.score[row])),
        )
        same_s = self._settings.patience_s  # for so long a type counts as new
        named = (scope, f"error {error.type}", explain)
        return Alarm("errors", severity, "error-types", deviation, *named, same_s=same_s)

    def _bank(self, subject: Subject, judged: Judgements, score: float, number: int) -> Alarm | None:
        bank, given, row = self._detectors[number], judged.detectors[number], subject.row
        if bank.kind == "errors" and given.typical is not None and given.actual is not None:
            return self._error_rate(subject, judged, bank.name, given, score)
        if subject.execution.kind == "log":
            return None  # without lengths and parts they differ in how long their templates are known, and nothing else
        sigma = sigma_of_score(float(given.score[row])) if bank.calibrated else float(given.sigma[row])
        severity = severity_of(Evidence(bank.kind, sigma=sigma), self._settings)

        def explain() -> Explanation:
            contributions = shares(
                {name: abs(float(np.nan_to_num(judged.columns[name][row] - _usual(name)))) for name in bank.columns}
            )
            reason = explanation.outlier_sentence(subject.operation.name, bank.name, sigma, contributions)
            return Explanation(contributions, reason)

        deviation = Deviation(bank.name, "sigma", 0.0, sigma, (0.0, EVIDENT), score, sigma)
        scope = subject.operation.name if bank.scope == "operation" else ""
        return Alarm(bank.kind, severity, bank.name, deviation, scope, scope, explain)

    def _error_rate(
        self, subject: Subject, judged: Judgements, model: str, given: DetectorJudgement, score: float
    ) -> Alarm | None:
        error, row = subject.execution.error, subject.row
        usual, failing = (float(rates[row]) for rates in (given.typical, given.actual) if rates is not None)
        if failing <= LEAST_EFFECT * usual:
            return None  # the sum remembers a burst for longer than it lasts
        failures = np.inf if given.count is None else float(given.count[row])
        clear = score >= float(judged.calibrated.limit[row]) + CLEAR
        evidence = Evidence("errors", share=failing, effect=failing / usual, clear=clear and failures >= LEAST_FAILED)
        severity = severity_of(evidence, self._settings)
        scope = subject.operation.name

        def explain() -> Explanation:
            contributions = {error.type if error is not None and error.type else "error rate": 1.0}
            return Explanation(contributions, explanation.errors_sentence(scope, failing, usual, contributions))

        deviation = Deviation(
            signal="error_rate",
            unit="share",
            typical=usual,
            actual=failing,
            bounds=(0.0, LEAST_EFFECT * usual),
            score=score,
            sigma=sigma_of_score(float(given.score[row])),
        )
        failed = bool(judged.columns["error"][row])
        return Alarm("errors", severity, model, deviation, scope, scope, explain, evident=failed)


def _weight(alarm: Alarm) -> tuple[bool, int, float]:
    return alarm.evident, SEVERITIES.index(alarm.severity), alarm.deviation.score


def _shows(deviation: Deviation) -> bool:
    """Whether what is told lies beyond the range that is told with it: no execution is named for what is usual."""
    return not deviation.bounds[0] <= deviation.actual <= deviation.bounds[1]


def _usual(column: str) -> float:
    return _MEAN_RANK if column.startswith("rank.") else 0.0


def _measured(judged: Judgements, signal: ChartedSignal, row: int) -> float:
    return float(judged.columns[signal.name][row])


def _local_contributions(subject: Subject, signal: ChartedSignal) -> dict[str, float]:
    """Shares of the excess of the time that no callee answers for."""
    if signal.name == "self_ms":
        return {OWN_CODE: 1.0}
    execution = subject.execution
    joined = {part_name(segment) for segment in execution.segments if segment.remote_ms is not None}
    found = parts(execution, subject.self_ms)
    own = {name: values for name, values in found.items() if name not in joined}
    return subject.operation.profile.excess(own, TIME_COLUMN)
