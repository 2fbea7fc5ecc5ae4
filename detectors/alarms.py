"""From judgements to anomalies: which deviations are worth telling, and what is told about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from detectors import explanation
from detectors.application import ApplicationModels, OperationModels
from detectors.bank import Bank
from detectors.chart import ChartJudgement
from detectors.ensemble import Batch, Judgements
from detectors.features import signals
from detectors.probability import score_of_sigma, sigma_of_score
from detectors.profile import OWN_CODE, part_name, parts
from detectors.registry import CHARTS
from detectors.settings import DetectionSettings
from detectors.severity import Evidence, severity_of
from schemas.anomaly import SEVERITIES, Anomaly, AnomalyKind, ModelStamp, Severity
from schemas.execution import Execution, rfc3339

MODEL_VERSION = "1"
_TIME_COLUMN, _COUNT_COLUMN = 0, 1
_MEAN_RANK = 0.5


@dataclass(frozen=True, slots=True)
class Alarm:
    """A deviation of one execution that has a severity, before it is decided whether to publish it.

    ``scope`` is the operation that deviates, or empty where it is the application.
    """

    kind: AnomalyKind
    signal: str
    severity: Severity
    scope: str
    describe: Callable[[], Anomaly]


@dataclass(frozen=True, slots=True)
class Subject:
    """The execution at ``row`` of a batch, with the models it belongs to."""

    row: int
    execution: Execution
    application: ApplicationModels
    operation: OperationModels


@dataclass(frozen=True, slots=True)
class _Finding:
    """The numbers of an anomaly before its sentence."""

    kind: AnomalyKind
    signal: str
    unit: str
    severity: Severity
    score: float
    sigma: float
    typical: float
    actual: float
    bounds: tuple[float, float]
    model: str


class AlarmRules:
    """Decides for each execution of a judged batch whether it is an alarm, and of which kinds.

    Latency signals are one kind: the call gap and the self time are named before the duration, which contains them.
    """

    def __init__(self, settings: DetectionSettings, detectors: Sequence[Bank]) -> None:
        self._settings = settings
        self._detectors = detectors

    def candidates(self, judged: Judgements) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Rows where anything could be an alarm, in order."""
        limit = self._settings.tail_score
        flags = np.zeros(len(judged.score), np.bool_)
        for chart in judged.charts:
            flags |= (chart.sigma >= self._settings.minor_sigma) | (chart.tail >= limit)
        for bank, given in zip(self._detectors, judged.detectors, strict=True):
            flags |= given.score >= limit if bank.calibrated else given.sigma >= self._settings.outlier_sigma
        return np.flatnonzero(flags)

    def alarms(self, subject: Subject, batch: Batch, judged: Judgements) -> list[Alarm]:
        """The alarms of one execution, at most one per kind."""
        found: dict[AnomalyKind, Alarm] = {}
        of_charts = (self._chart_alarm(subject, column, chart, batch) for column, chart in enumerate(judged.charts))
        of_detectors = (self._detector_alarm(subject, number, judged) for number in range(len(judged.detectors)))
        for alarm in chain(of_charts, of_detectors):
            if alarm is not None and (alarm.kind not in found or _graver(alarm, found[alarm.kind])):
                found[alarm.kind] = alarm
        return list(found.values())

    def _chart_alarm(self, subject: Subject, column: int, chart: ChartJudgement, batch: Batch) -> Alarm | None:
        row, signal = subject.row, CHARTS[column]
        sigma, tail = float(chart.sigma[row]), float(chart.tail[row])
        if sigma < self._settings.minor_sigma and tail < self._settings.tail_score:
            return None
        low, typical, high = (float(bound) for bound in chart.bounds[row])
        value, level = float(batch.signals[row, column]), float(chart.level[row])
        whole = signal.whole

        def judge(actual: float, **deviation: float) -> Severity | None:
            effect, excess = (1.0 + actual) / (1.0 + typical), actual - typical
            evidence = Evidence(signal.kind, effect=effect, excess=excess, whole=whole, **deviation)
            return severity_of(evidence, self._settings)

        charted, actual = judge(level, sigma=sigma), level
        severity = charted
        if charted is None:
            severity, actual = judge(value, score=tail), value
        if severity is None:
            return None
        score = float(score_of_sigma(chart.sigma[row])) if charted else tail
        finding = _Finding(
            *(
                signal.kind,
                signal.name,
                signal.unit,
                severity,
                score,
                sigma if charted else sigma_of_score(tail),
            ),
            *(typical, actual, (low, high), "rank-ewma-chart" if charted else "extreme-value-tail"),
        )
        return Alarm(
            signal.kind,
            signal.name,
            severity,
            subject.operation.name,
            lambda: self._slow_or_larger(subject, finding, charted is None),
        )

    def _slow_or_larger(self, subject: Subject, finding: _Finding, single: bool) -> Anomaly:
        operation, execution = subject.operation, subject.execution
        numbers = (finding.actual, finding.typical, finding.bounds, single)
        if finding.kind == "structure":
            contributions = operation.profile.excess(parts(execution, 0.0), _COUNT_COLUMN)
            reason = explanation.structure_sentence(operation.name, *numbers, contributions)
        else:
            contributions = _latency_contributions(subject, finding)
            reason = explanation.latency_sentence(operation.name, finding.signal, *numbers, contributions)
        return self._anomaly(subject, finding, contributions, reason)

    def _detector_alarm(self, subject: Subject, number: int, judged: Judgements) -> Alarm | None:
        bank, given, row = self._detectors[number], judged.detectors[number], subject.row
        sigma, score = float(given.sigma[row]), float(given.score[row])
        if bank.kind == "errors" and given.typical is not None and given.actual is not None:
            return self._errors_alarm(subject, bank, score, float(given.typical[row]), float(given.actual[row]))
        evidence = Evidence("outlier", sigma=sigma, score=score if bank.calibrated else 0.0)
        severity = severity_of(evidence, self._settings)
        if severity is None:
            return None
        finding = _Finding(
            *(bank.kind, bank.name, "score", severity, score, sigma or sigma_of_score(score)),
            *(0.0, score, (0.0, self._settings.outlier_sigma), bank.name),
        )
        shares = {name: abs(float(judged.columns[name][row]) - _MEAN_RANK) for name in bank.columns}
        contributions = _shares(shares)

        def describe() -> Anomaly:
            sentence = explanation.outlier_sentence(subject.operation.name, bank.name, finding.sigma, contributions)
            return self._anomaly(subject, finding, contributions, sentence)

        return Alarm(
            bank.kind, bank.name, severity, subject.operation.name if bank.scope == "operation" else "", describe
        )

    def _errors_alarm(self, subject: Subject, bank: Bank, score: float, usual: float, failing: float) -> Alarm | None:
        error = subject.execution.error
        severity = severity_of(Evidence("errors", score=score, failing=failing, effect=failing / usual), self._settings)
        if severity is None:
            return None
        finding = _Finding(
            *("errors", "error_rate", "share", severity, score, sigma_of_score(score)),
            *(usual, failing, (0.0, min(1.0, 5.0 * usual)), bank.name),
        )
        contributions = {error.type if error is not None and error.type else "error rate": 1.0}
        sentence = explanation.errors_sentence(subject.operation.name, failing, usual, contributions)
        return Alarm(
            "errors",
            "error_rate",
            severity,
            subject.operation.name,
            lambda: self._anomaly(subject, finding, contributions, sentence),
        )

    def _anomaly(self, subject: Subject, finding: _Finding, contributions: dict[str, float], reason: str) -> Anomaly:
        execution, (application, environment) = subject.execution, subject.application.key
        learned = subject.operation.seen
        trained = subject.application.trained_s
        return Anomaly(
            application=application,
            operation=subject.operation.name,
            environment=environment,
            version=execution.version,
            kind=finding.kind,
            score=round(finding.score, 3),
            sigma=round(finding.sigma, 3),
            severity=finding.severity,
            confidence=round(min(1.0, learned / 500), 3),
            signal=finding.signal,
            typical=round(finding.typical, 4),
            actual=round(finding.actual, 4),
            bounds=(round(finding.bounds[0], 4), round(finding.bounds[1], 4)),
            unit=finding.unit,
            contributions=contributions,
            reason=reason,
            exemplar_trace_ids=[execution.trace_id] if execution.trace_id else [],
            window=None,
            model=ModelStamp(
                name=finding.model,
                version=MODEL_VERSION,
                learned=learned,
                trained_at=rfc3339(trained) if trained is not None and finding.model == "isolation-forest" else None,
                warming=False,
            ),
            incident_key="/".join((application, environment, finding.kind, subject.operation.name)),
        )


def _graver(one: Alarm, other: Alarm) -> bool:
    return SEVERITIES.index(one.severity) > SEVERITIES.index(other.severity)


def _latency_contributions(subject: Subject, finding: _Finding) -> dict[str, float]:
    """Shares of the excess: of the gaps for the call gap, else of the time per part."""
    execution = subject.execution
    if finding.signal == "call_gap_ms":
        gaps: dict[str, float] = {}
        for segment in execution.segments:
            if segment.remote_ms is not None:
                name = part_name(segment)
                gaps[name] = max(gaps.get(name, 0.0), segment.duration_ms - segment.remote_ms, 0.0)
        return _shares(gaps)
    if finding.signal == "self_ms":
        return {OWN_CODE: 1.0}
    return subject.operation.profile.excess(parts(execution, signals(execution)[0]), _TIME_COLUMN)


def _shares(weights: dict[str, float]) -> dict[str, float]:
    """Weights as shares that sum to 1, largest first; equal shares where all weights are 0."""
    total = sum(weights.values())
    if total <= 0.0:
        return {name: 1.0 / len(weights) for name in weights}
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return {name: weight / total for name, weight in ranked if weight > 0.0}
