"""What would follow of a verdict: which anomalies of late it would have silenced, by the rule that workers go by.

How large a deviation became is known to workers alone: they silence up to that size, so that it may be some more.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import msgspec

from tracehound.detectors.incidents.seen_anomaly import SeenAnomaly
from tracehound.detectors.telling.feedback import DAY_S, FeedbackMemory, Peaks, largest
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.feedback import PATTERNS, Judgement, Lesson, Pattern

_decode = msgspec.json.Decoder(AnomalyEvent).decode
SHOWN = 100


class Silenced(msgspec.Struct):
    """An anomaly that would not have been told."""

    id: str
    time: str
    application: str
    environment: str
    operation: str
    severity: str
    reason: str
    judged: str | None


class Preview(msgspec.Struct):
    """What a verdict would have done in the last ``days`` (event time).

    ``silenced`` anomalies would not have been told, of which ``confirmed`` were confirmed by somebody; the first of
    them are ``anomalies``, the newest first. ``looked_at`` is how many there were in all of the applications concerned.
    """

    sentence: str
    days: float
    looked_at: int
    silenced: int
    confirmed: int
    anomalies: list[Silenced]


def decoded(events: Sequence[str]) -> list[AnomalyEvent]:
    """Anomalies out of the store."""
    return [_decode(event) for event in events]


def pattern_of(event: AnomalyEvent) -> Pattern:
    """What can be learned of an anomaly."""
    return SeenAnomaly.of(event.data, epoch_seconds(event.time)).pattern


def silenced_by(
    judgement: Judgement, subject: Sequence[AnomalyEvent], others: Sequence[AnomalyEvent], life_s: float
) -> list[AnomalyEvent]:
    """Those of one application's anomalies (oldest first) that a verdict on some of them would have silenced."""
    times = [epoch_seconds(event.time) for event in others]
    now_s = max(times, default=0.0)
    patterns = sorted(largest(map(pattern_of, subject)), key=lambda one: -one.at_s)[:PATTERNS]
    memory = FeedbackMemory()
    lasting = [msgspec.structs.replace(one, at_s=now_s) for one in patterns]
    memory.learn(Lesson("preview", judgement, now_s, lasting), Peaks(), life_s)
    found: list[AnomalyEvent] = []
    for at_s, together in groupby(zip(times, others, strict=True), key=itemgetter(0)):
        by_pattern: dict[Pattern, list[AnomalyEvent]] = {}
        for _, event in together:
            by_pattern.setdefault(pattern_of(event), []).append(event)
        for pattern in memory.untold_patterns(list(by_pattern), at_s):
            found += by_pattern[pattern]
    return found


def preview_of(days: float, looked_at: int, found: Sequence[AnomalyEvent], judged: dict[str, str]) -> Preview:
    """The preview that is told."""
    confirmed = sum(judged.get(event.id) == "confirmed" for event in found)
    shown = [
        Silenced(
            event.id,
            event.time,
            event.data.application,
            event.data.environment,
            event.data.operation,
            event.data.severity,
            event.data.reason,
            judged.get(event.id),
        )
        for event in sorted(found, key=lambda one: one.time, reverse=True)[:SHOWN]
    ]
    return Preview(_sentence(days, len(found), confirmed), days, looked_at, len(found), confirmed, shown)


def _sentence(days: float, silenced: int, confirmed: int) -> str:
    if not silenced:
        return f"This verdict would have silenced none of the anomalies of the last {days:g} days."
    which = "1 anomaly" if silenced == 1 else f"these {silenced} anomalies"
    who = "none was confirmed" if not confirmed else f"{confirmed} {'was' if confirmed == 1 else 'were'} confirmed"
    return f"This verdict would have silenced {which} of the last {days:g} days, of which {who}."


def life_of(days: float) -> float:
    """Seconds of so many days."""
    return days * DAY_S
