"""Which alarms are published: the first of each operation and kind, then only after a rest or when it gets worse."""

from detectors import events
from detectors.alarms import Alarm, Subject
from detectors.application import Published
from schemas.anomaly import SEVERITIES, AnomalyEvent
from schemas.codec import content_digest


def publish(subject: Subject, alarm: Alarm, rest_s: float) -> AnomalyEvent | None:
    """The event to publish, or None while the operation rests from an alarm of the same kind that was as grave.

    The rest is in event time and is prolonged by nothing: a lasting deviation is told again every ``rest_s``.
    """
    application, execution = subject.application, subject.execution
    rank, now_s = SEVERITIES.index(alarm.severity), execution.started_s
    key = (alarm.scope, alarm.kind)
    last = application.published.get(key)
    if last is not None and rank <= last.rank and now_s < last.at_s + rest_s:
        return None
    application.published[key] = Published(now_s, rank)
    identifier = events.identity(content_digest(execution), alarm.kind, alarm.signal)
    return events.anomaly(application.key, identifier, now_s, alarm.describe())
