"""Which alarms are published: the first of each operation and kind, then only after a rest or when it gets worse."""

from detectors import events
from detectors.alarms import Alarm, Subject
from detectors.application import Published
from schemas.anomaly import SEVERITIES, AnomalyEvent
from schemas.codec import content_digest

QUIET_S, QUIET_EXECUTIONS = 60.0, 10
"""After so much event time and so many executions of the operation without an alarm, the next is a new deviation."""


def publish(subject: Subject, alarm: Alarm, rest_s: float) -> AnomalyEvent | None:
    """The event to publish, or None while the operation rests from an alarm of the same kind that was as grave.

    The rest is in event time: a lasting deviation is told again every ``rest_s``, and a new one of an operation,
    after a quiet minute, at once.
    """
    application, execution = subject.application, subject.execution
    rank, now_s = SEVERITIES.index(alarm.severity), execution.started_s
    key = (alarm.scope, alarm.kind)
    last = application.published.get(key)
    seen = subject.operation.seen if alarm.scope else 0
    if last is not None:
        lasting = now_s < last.alarm_s + QUIET_S or seen < last.seen + QUIET_EXECUTIONS
        last.alarm_s, last.seen = max(last.alarm_s, now_s), seen
        if lasting and rank <= last.rank and now_s < last.at_s + rest_s:
            return None
    application.published[key] = Published(now_s, rank, now_s, seen)
    identifier = events.identity(content_digest(execution), alarm.kind, alarm.signal)
    return events.anomaly(application.key, identifier, now_s, alarm.describe())
