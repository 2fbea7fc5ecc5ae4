"""What an application has learned of people's verdicts: which deviations are not told again, up to which size."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec

from tracehound.detectors.packed.stored_numbers import Moment
from tracehound.detectors.telling.alarm import Alarm
from tracehound.detectors.telling.deviation import ERROR_TYPE, QUEUE_GAP
from tracehound.schemas.anomaly import AnomalyKind
from tracehound.schemas.feedback import PATTERNS, Lesson, Pattern

MARGIN = math.log(1.2)
"""What goes beyond a judged size by more than a fifth is told."""
DAY_S = 86_400.0
PEAKS = 1_000
"""Deviations of an application whose size is remembered; of more, those that began longest ago are forgotten."""
QUIET_S = 300.0
"""After so much event time without an alarm the next is another deviation, with a size of its own."""
OTHERWISE_S = 60.0
"""For so long an alarm may be of the same deviation as one that was judged, seen by another signal."""
CALLS_TO = "calls to "
_CALLS = ("call_gap_ms", "call_ms")
_STRUCTURE = "structure_"
_LONGEST = 1_000  # characters of what may be of any length, as error types are

T = TypeVar("T", Alarm, Pattern)

Occasion = Literal["learned", "withdrawn", "expired", "forgotten"]
_Size = Annotated[float, msgspec.Meta(ge=-1_000.0, le=1_000.0)]
_Life = Annotated[float, msgspec.Meta(ge=0.0, le=366.0 * DAY_S)]
PatternKey = tuple[AnomalyKind, str, str, str, str]
"""Kind, signal, model, operation, and what the signal is about: all that tells patterns apart but their size."""


def about_of(signal: str, contributions: Mapping[str, float]) -> str:
    """The called service, type of error or segment that an anomaly is about; empty where it is an operation.

    >>> about_of("call_ms", {"calls to stock": 0.9, "calls to bank": 0.1}), about_of("self_ms", {"its own code": 1.0})
    ('stock', '')
    """
    if not contributions or not (signal in _CALLS or _is_of_part(signal)):
        return ""
    gravest = min(contributions, key=lambda part: (-contributions[part], part))
    return (gravest.removeprefix(CALLS_TO) if signal in _CALLS else gravest)[:_LONGEST]


def key_of(pattern: Pattern) -> PatternKey:
    """All that tells a pattern apart but its size."""
    return pattern.kind, pattern.signal, pattern.model, pattern.operation, pattern.about


def _key_of_alarm(alarm: Alarm) -> PatternKey:
    about = ""
    if alarm.signal in _CALLS:  # whoever deviates most: an anomaly's contributions tell who took most time
        about = alarm.key.removeprefix(CALLS_TO)[:_LONGEST]
    elif _is_of_part(alarm.signal):
        about = about_of(alarm.signal, alarm.explain().contributions)
    return alarm.kind, alarm.signal, alarm.model, alarm.scope, about


class Peak(msgspec.Struct, array_like=True):
    """How large a deviation became, in either direction, from ``since_s`` until ``last_s`` (event time)."""

    since_s: Moment
    last_s: Moment
    low: _Size
    high: _Size


class Peaks:
    """The largest size of each deviation of late: what is told when it begins, and judged, is smaller than that."""

    def __init__(self) -> None:
        self._peaks: dict[PatternKey, Peak] = {}

    def note(self, alarm: Alarm, now_s: float) -> None:
        """An alarm at event time ``now_s``."""
        if alarm.kind == "structure" or alarm.signal == ERROR_TYPE:
            return
        key, size = _key_of_alarm(alarm), alarm.deviation.size
        known = self._peaks.get(key)
        if known is not None and now_s <= known.last_s + QUIET_S:
            known.last_s = max(known.last_s, now_s)
            known.low, known.high = min(known.low, size), max(known.high, size)
            return
        self._peaks.pop(key, None)
        self._peaks[key] = Peak(now_s, now_s, min(0.0, size), max(0.0, size))
        if len(self._peaks) > PEAKS:
            del self._peaks[next(iter(self._peaks))]

    def grown(self, pattern: Pattern) -> Pattern:
        """The pattern with the size that its deviation had, if that is remembered."""
        peak = self._peaks.get(key_of(pattern))
        if peak is None or not peak.since_s <= pattern.at_s <= peak.last_s:
            return pattern
        size = max(pattern.size, peak.high) if pattern.size >= 0.0 else min(pattern.size, peak.low)
        return msgspec.structs.replace(pattern, size=size)

    def stored(self) -> list[Any]:
        """All of it as lists and numbers."""
        return [[list(key), msgspec.to_builtins(peak)] for key, peak in self._peaks.items()]

    def restore(self, stored: Any) -> None:
        """Take over what ``stored`` returned.

        Raises:
            ValueError: it is something else.
        """
        kept = Annotated[list[tuple[PatternKey, Peak]], msgspec.Meta(max_length=PEAKS)]
        self._peaks = dict(msgspec.convert(stored, kept))


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a lesson, which had so many ``patterns``."""

    occasion: Occasion
    lesson: Lesson
    patterns: int


class _Limit(msgspec.Struct, frozen=True):
    """Sizes that are not told of one pattern, and until when (event time)."""

    low: float
    high: float
    until_s: float

    def covers(self, size: float, now_s: float) -> bool:
        return self.low <= size <= self.high and now_s <= self.until_s


class _Seen(msgspec.Struct, array_like=True):
    """When a deviation that was judged was last seen of a kind and operation, and how large it was."""

    last_s: float
    size: float


class FeedbackMemory:
    """The lessons of one application, of at most ``PATTERNS`` patterns; what is not told follows from them alone.

    *false_positive* and *expected_change*: deviations of the same pattern and direction are not told up to ``MARGIN``
    beyond the judged size, until the lesson expires, in event time. *confirmed*: earlier verdicts that would
    hide what was confirmed have no effect on that pattern, for as long as the confirmation is known.
    """

    def __init__(self) -> None:
        self._lessons: dict[str, Lesson] = {}
        self._limits: dict[PatternKey, list[_Limit]] = {}
        self._watched: set[tuple[AnomalyKind, str, str]] = set()
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._life_s = 0.0
        self._next_s = math.inf

    def __bool__(self) -> bool:
        return bool(self._lessons)

    def learn(self, lesson: Lesson, peaks: Peaks, life_s: float) -> list[Change]:
        """Take a lesson that is valid for ``life_s``; returns what changed, nothing if it was known.

        An older one of the same subject changes nothing.
        """
        known = self._lessons.get(lesson.subject_id)
        if known is not None and known.judged_at > lesson.judged_at:
            return []
        if lesson.withdrawn:
            return [] if known is None else [self._drop("withdrawn", known, life_s)]
        if known is not None and (known.judgement, known.judged_at) == (lesson.judgement, lesson.judged_at):
            return []
        patterns = largest(peaks.grown(pattern) for pattern in lesson.patterns) or (known.patterns if known else [])
        if not patterns:
            return []
        self._lessons.pop(lesson.subject_id, None)
        learned = msgspec.structs.replace(lesson, patterns=patterns)
        self._lessons[lesson.subject_id] = learned
        changes = [Change("learned", learned, len(patterns))]
        while sum(len(one.patterns) for one in self._lessons.values()) > PATTERNS:
            changes.append(self._drop("forgotten", next(iter(self._lessons.values())), life_s))
        self._derive(life_s)
        return changes

    def expire(self, now_s: float, life_s: float) -> list[Change]:
        """Forget the lessons that no longer are valid at event time ``now_s``; returns what changed."""
        if now_s <= self._next_s:
            return []
        over = [one for one in self._lessons.values() if _until_s(one, life_s) < now_s]
        return [self._drop("expired", one, life_s) for one in over]

    def untold(self, alarms: Sequence[Alarm], now_s: float) -> list[Alarm]:
        """Those of one execution's alarms that need not be told at event time ``now_s``.

        With one that was judged go others of the same kind and operation that are no larger, at the same time and for
        a minute: they are the same deviation, seen otherwise. Those of calls, of types of errors and of segments must
        have been judged themselves.
        """
        return self._untold(alarms, now_s, _of_alarm, self._covers_alarm)

    def untold_patterns(self, patterns: Sequence[Pattern], now_s: float) -> list[Pattern]:
        """Those patterns of anomalies told at event time ``now_s`` that need not have been: see ``untold``."""
        return self._untold(patterns, now_s, _of_pattern, self._covers_pattern)

    def _untold(
        self, found: Sequence[T], now_s: float, what: Callable[[T], "_What"], covers: Callable[[T, float], bool]
    ) -> list[T]:
        judged = [one for one in found if covers(one, now_s)]
        for one in judged:
            kind, _, operation, size = what(one)
            if self._is_seen_otherwise(what(one), now_s):
                size = self._seen[kind, operation].size
            self._seen[kind, operation] = _Seen(now_s, size)
        if not (judged or self._seen):
            return []
        return [one for one in found if one in judged or self._is_seen_otherwise(what(one), now_s)]

    def _is_seen_otherwise(self, what: "_What", now_s: float) -> bool:
        kind, signal, operation, size = what
        if signal in _CALLS or _is_of_part(signal):
            return False
        known = self._seen.get((kind, operation))
        if known is None or now_s > known.last_s + OTHERWISE_S:
            return False
        return 0.0 <= size <= known.size or known.size <= size <= 0.0

    def covers(self, key: PatternKey, size: float, now_s: float) -> bool:
        """Whether a deviation of this ``size`` need not be told at event time ``now_s``."""
        return any(limit.covers(size, now_s) for limit in self._limits.get(key, ()))

    def _covers_pattern(self, pattern: Pattern, now_s: float) -> bool:
        return self.covers(key_of(pattern), pattern.size, now_s)

    def _covers_alarm(self, alarm: Alarm, now_s: float) -> bool:
        watched = (alarm.kind, alarm.signal, alarm.scope) in self._watched
        return watched and self.covers(_key_of_alarm(alarm), alarm.deviation.size, now_s)

    def _drop(self, occasion: Occasion, lesson: Lesson, life_s: float) -> Change:
        del self._lessons[lesson.subject_id]
        self._derive(life_s)
        return Change(occasion, lesson, len(lesson.patterns))

    def _derive(self, life_s: float) -> None:
        self._life_s = life_s
        self._limits = {}
        confirmed = [one for one in self._lessons.values() if one.judgement == "confirmed"]
        for lesson in self._lessons.values():
            if lesson.judgement == "confirmed":
                continue
            later = [one for one in confirmed if one.judged_at >= lesson.judged_at]
            for pattern in lesson.patterns:
                limit = _limit(pattern, _until_s(lesson, life_s))
                if not any(_speaks_against(one, pattern, limit) for one in later):
                    self._limits.setdefault(key_of(pattern), []).append(limit)
        self._watched = {(kind, signal, operation) for kind, signal, _, operation, _ in self._limits}
        places = {(kind, operation) for kind, _, operation in self._watched}
        self._seen = {place: seen for place, seen in self._seen.items() if place in places}
        self._next_s = min((_until_s(one, life_s) for one in self._lessons.values()), default=math.inf)

    def stored(self) -> dict[str, Any]:
        """All of it as dicts, lists and numbers."""
        return {
            "life_s": self._life_s,
            "lessons": msgspec.to_builtins(list(self._lessons.values())),
            "seen": [[*place, seen.last_s, seen.size] for place, seen in self._seen.items()],
        }

    def restore(self, stored: Any) -> None:
        """Take over what ``stored`` returned.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        lessons = msgspec.convert(stored["lessons"], list[Lesson])
        if sum(len(lesson.patterns) for lesson in lessons) > PATTERNS:
            raise ValueError(f"The lessons of an application must have at most {PATTERNS} patterns.")
        self._lessons = {lesson.subject_id: lesson for lesson in lessons}
        seen = msgspec.convert(stored["seen"], list[tuple[str, str, Moment, _Size]])
        self._seen = {(kind, operation): _Seen(last_s, size) for kind, operation, last_s, size in seen}
        self._derive(msgspec.convert(stored["life_s"], _Life))


class _What(NamedTuple):
    """What deviates, where, and by how much."""

    kind: AnomalyKind
    signal: str
    operation: str
    size: float


def _of_alarm(alarm: Alarm) -> _What:
    return _What(alarm.kind, alarm.signal, alarm.scope, alarm.deviation.size)


def _of_pattern(pattern: Pattern) -> _What:
    return _What(pattern.kind, pattern.signal, pattern.operation, pattern.size)


def _is_of_part(signal: str) -> bool:
    return signal in (ERROR_TYPE, QUEUE_GAP) or signal.startswith(_STRUCTURE)


def _until_s(lesson: Lesson, life_s: float) -> float:
    return max(pattern.at_s for pattern in lesson.patterns) + life_s


def _limit(pattern: Pattern, until_s: float) -> _Limit:
    size = pattern.size
    return _Limit(size - MARGIN if size <= 0.0 else 0.0, size + MARGIN if size >= 0.0 else 0.0, until_s)


def _speaks_against(confirmed: Lesson, pattern: Pattern, limit: _Limit) -> bool:
    key = key_of(pattern)
    return any(key_of(one) == key and limit.low <= one.size <= limit.high for one in confirmed.patterns)


def largest(patterns: Iterable[Pattern]) -> list[Pattern]:
    """One pattern for each key and direction, the largest of them."""
    found: dict[tuple[PatternKey, bool], Pattern] = {}
    for pattern in patterns:
        place = (key_of(pattern), pattern.size < 0.0)
        known = found.get(place, pattern)
        larger = max(known, pattern, key=lambda one: abs(one.size))
        found[place] = msgspec.structs.replace(larger, at_s=max(known.at_s, pattern.at_s))
    return list(found.values())
