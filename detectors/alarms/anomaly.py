"""How an alarm becomes the anomaly that is published."""

import msgspec

from tracehound.detectors.application.subject import Subject
from tracehound.detectors.features.contrast import concentrated
from tracehound.detectors.telling.alarm import Alarm, incident_key
from tracehound.detectors.telling.evidence import normal_again, sure, with_what_is_common
from tracehound.detectors.telling.waterfall import waterfall
from tracehound.schemas.anomaly import Anomaly, AnomalyEvidence, Concentration, ModelStamp, Window
from tracehound.schemas.execution import rfc3339

MODEL_VERSION = "2"
HALF_CONFIDENT = 50
"""Executions of an operation at which its models are half as trustworthy as they can be."""


def confidence(learned: int) -> float:
    """How much a judgement is worth, in [0, 1), by how many executions of the operation the models have seen.

    >>> confidence(0), confidence(50), round(confidence(1000), 2)
    (0.0, 0.5, 0.95)
    """
    return learned / (learned + HALF_CONFIDENT)


def _common(subject: Subject, alarm: Alarm) -> list[Concentration]:
    """What the executions that deviate of late have in common; of missing traffic there are none."""
    if alarm.kind == "traffic":
        return []
    of = [subject.operation] if alarm.scope else subject.application.operations.values()
    return concentrated((one.contrast for one in of), alarm.kind, subject.now_s, alarm.lasting_s)


def anomaly_of(subject: Subject, alarm: Alarm, window: Window | None = None) -> Anomaly:
    """The anomaly of an alarm about an execution, or, with an empty ``scope``, about its application."""
    execution, (application, environment) = subject.execution, subject.application.key
    learned = subject.operation.seen if alarm.scope else subject.number
    trained = subject.application.trained_s
    deviation, said = alarm.deviation, alarm.explain()
    common = _common(subject, alarm)
    return Anomaly(
        application=application,
        operation=alarm.scope,
        environment=environment,
        version=execution.version,
        kind=alarm.kind,
        score=round(deviation.score, 3),
        sigma=round(deviation.sigma, 3),
        severity=alarm.severity,
        confidence=round(confidence(learned), 3),
        signal=deviation.signal,
        typical=round(deviation.typical, 4),
        actual=round(deviation.actual, 4),
        bounds=(round(deviation.bounds[0], 4), round(deviation.bounds[1], 4)),
        unit=deviation.unit,
        contributions=said.contributions,
        reason=with_what_is_common(said.reason, common),
        exemplar_trace_ids=[execution.trace_id] if execution.trace_id and window is None else [],
        window=window,
        model=ModelStamp(
            name=alarm.model,
            version=MODEL_VERSION,
            learned=learned,
            trained_at=rfc3339(trained) if trained is not None and alarm.model == "isolation-forest" else None,
            warming=False,
        ),
        incident_key=incident_key(subject.application.key, alarm.kind, alarm.scope),
        evidence=AnomalyEvidence(
            waterfall=waterfall(execution) if window is None else [],
            sure=sure(deviation.score, learned),
            normal_again=normal_again(deviation),
        ),
        concentrated_in=common or msgspec.UNSET,
    )
