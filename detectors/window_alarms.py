"""Anomaly events of an application's windows."""

from detectors import events
from detectors.application import ApplicationKey
from detectors.probability import sigma_of_score
from detectors.window_findings import WindowFinding, sentence
from schemas.anomaly import Anomaly, AnomalyEvent, ModelStamp, Severity, Window
from schemas.execution import rfc3339

MODEL, MODEL_VERSION = "golden-signals", "1"


def window_anomaly(key: ApplicationKey, finding: WindowFinding, severity: Severity, learned: int) -> AnomalyEvent:
    """The event of a window that is worth an alarm; ``learned`` counts the application's executions so far.

    Its id follows from application, environment, kind, signal and the start of the window; its time is the window's
    end. It names no operation: the whole application deviates.
    """
    application, environment = key
    signal, start, end = finding.signal, rfc3339(finding.start_s), rfc3339(finding.end_s)
    data = Anomaly(
        application=application,
        operation="",
        environment=environment,
        version="",
        kind=signal.kind,
        score=round(finding.score, 3),
        sigma=round(sigma_of_score(finding.score), 3),
        severity=severity,
        confidence=round(min(1.0, learned / 500), 3),
        signal=signal.name,
        typical=round(finding.expected, 4),
        actual=round(finding.actual, 4),
        bounds=(round(finding.low, 4), round(finding.high, 4)),
        unit=signal.unit,
        contributions={signal.name: 1.0},
        reason=sentence(application, finding),
        exemplar_trace_ids=[],
        window=Window(start, end, finding.count),
        model=ModelStamp(MODEL, MODEL_VERSION, learned, None, warming=False),
        incident_key="/".join((application, environment, signal.kind)),
    )
    return events.anomaly(key, events.identity(*key, signal.kind, signal.name, start), finding.end_s, data)
