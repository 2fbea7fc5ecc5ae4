"""Which alarms are published: the first of what deviates, then only after a rest or when it gets worse."""

from tracehound.detectors.application.models import ApplicationModels, Published
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm
from tracehound.schemas.anomaly import SEVERITIES

QUIET_S, QUIET_EXECUTIONS = 60.0, 10
"""After so much event time and so many executions of the operation without an alarm, the next is a new deviation."""
LONGEST_REST_S = 3_600.0
REMEMBERED = 4_096
"""Deviations of an application that are remembered; of more, those published longest ago are forgotten."""


def is_told(application: ApplicationModels, alarm: Alarm, now_s: float, seen: int, settings: DetectionSettings) -> bool:
    """Whether to publish an alarm at event time ``now_s``; remembers it. ``seen`` counts the executions it is about.

    A deviation is told when it begins, at once when it gets worse, and else every ``rest_s``; one that has lasted
    for longer than ``patience_s`` ever more rarely, up to once an hour. It begins anew after a quiet minute; one that
    is no news for longer (``same_s``) after that time, and is told again after that, and then ever more rarely. It is
    told by an execution that shows it: the first good ones after a fault are not blamed for it.
    """
    rank = SEVERITIES.index(alarm.severity)
    last = application.published.get((alarm.key, alarm.kind))
    told = 0
    if last is not None and (now_s < last.alarm_s + max(QUIET_S, alarm.same_s) or seen < last.seen + QUIET_EXECUTIONS):
        last.alarm_s, last.seen = max(last.alarm_s, now_s), seen
        told = last.told
        if rank <= last.rank and now_s < last.at_s + _rest_s(alarm, told, settings):
            return False
    if not alarm.evident:
        return False
    application.published.pop((alarm.key, alarm.kind), None)
    application.published[alarm.key, alarm.kind] = Published(now_s, rank, now_s, seen, told + 1)
    if len(application.published) > REMEMBERED:
        del application.published[next(iter(application.published))]
    return True


def _rest_s(alarm: Alarm, told: int, settings: DetectionSettings) -> float:
    if alarm.same_s > 0.0:
        return max(settings.rest_s, alarm.same_s * 2.0 ** min(told, 10))
    if alarm.lasting_s < settings.patience_s:
        return settings.rest_s
    return max(settings.rest_s, min(LONGEST_REST_S, settings.rest_s * 2.0 ** min(told, 10)))
