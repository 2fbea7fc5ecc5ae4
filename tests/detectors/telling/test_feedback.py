"""What is learned of verdicts: the like is not told again, everything else is; bounded, reversible, and for a while."""

import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.telling.alarm import Alarm, Explanation
from tracehound.detectors.telling.deviation import Deviation, size_of
from tracehound.detectors.telling.feedback import (
    DAY_S,
    MARGIN,
    OTHERWISE_S,
    QUIET_S,
    FeedbackMemory,
    Peaks,
    key_of,
)
from tracehound.schemas.anomaly import AnomalyKind
from tracehound.schemas.control import read_control
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.feedback import PATTERNS, Judgement, Lesson, Pattern

LIFE_S = 30.0 * DAY_S


def lesson(
    *patterns: Pattern, judgement: Judgement = "false_positive", judged_at: float = 100.0, subject_id: str = "incident"
) -> Lesson:
    return Lesson(subject_id, judgement, judged_at, list(patterns), by="ann")


def pattern(size: float = 1.0, operation: str = "GET /", at_s: float = 50.0, **changes: Any) -> Pattern:
    return msgspec.structs.replace(Pattern("latency", "self_ms", "chart", operation, size=size, at_s=at_s), **changes)


def alarm(size: float = 1.0, operation: str = "GET /", kind: AnomalyKind = "latency", signal: str = "self_ms") -> Alarm:
    def explain() -> Explanation:
        pytest.fail("nobody asked for words")

    actual = math.exp(abs(size)) - 1.0
    usual, found = (0.0, actual) if size >= 0.0 else (actual, 0.0)
    deviation = Deviation(signal, "ms", usual, found, (0.0, 1.0), 5.0, 4.0)
    return Alarm(kind, "minor", "chart", deviation, operation, operation, explain)


def learned(*lessons: Lesson) -> FeedbackMemory:
    memory = FeedbackMemory()
    for one in lessons:
        memory.learn(one, Peaks(), LIFE_S)
    return memory


def test_a_deviation_that_goes_down_is_not_one_that_goes_up() -> None:
    memory = learned(lesson(pattern(-1.0)))

    assert memory.untold([alarm(-1.0)], 60.0)
    assert not memory.untold([alarm(1.0)], 60.0)


@given(st.floats(0.1, 20.0), st.floats(0.1, 20.0))
def test_up_to_a_fifth_beyond_what_was_judged_is_not_told(judged_size: float, size: float) -> None:
    memory = learned(lesson(pattern(judged_size)))

    assert bool(memory.untold([alarm(size)], 60.0)) == (alarm(size).deviation.size <= judged_size + MARGIN)


@pytest.mark.parametrize("other", [alarm(operation="POST /"), alarm(kind="saturation"), alarm(signal="memory_mb")])
def test_other_operations_kinds_and_signals_are_told(other: Alarm) -> None:
    assert learned(lesson(pattern())).untold([other], 60.0) == []


def test_one_execution_far_out_is_something_else_than_many_that_are_slower() -> None:
    tail = replace(alarm(3.0), model="tail")

    assert learned(lesson(pattern(3.0, model="tail"))).untold([tail], 60.0) == [tail]
    assert learned(lesson(pattern(3.0, model="tail"))).untold([alarm(0.5)], 60.0) == []


def test_what_was_judged_is_not_told_by_another_signal_unless_that_is_larger() -> None:
    memory = learned(lesson(pattern(1.0)))
    seen, same = alarm(1.0), alarm(0.9, signal="local_ms")
    larger = alarm(1.1, signal="duration_ms")
    call = replace(alarm(0.5, signal="call_ms"), key="calls to stock")

    assert memory.untold([same], 50.0) == []
    assert memory.untold([same, seen, larger, call], 60.0) == [same, seen]
    assert memory.untold([same], 60.0 + OTHERWISE_S) == [same]
    assert memory.untold([same], 61.0 + OTHERWISE_S) == []


def test_what_goes_the_other_way_is_not_seen_otherwise() -> None:
    memory = learned(lesson(pattern(1.0, kind="traffic", signal="traffic", operation="")))
    more, less = (alarm(size, "", "traffic", "traffic") for size in (1.0, -0.5))

    assert memory.untold([more], 60.0) == [more]
    assert memory.untold([less], 61.0) == []


def test_calls_are_judged_by_whom_they_call() -> None:
    memory = learned(lesson(pattern(1.0, signal="call_ms", about="stock")))
    calls = [replace(alarm(signal="call_ms"), key=f"calls to {peer}") for peer in ("stock", "bank")]

    assert memory.untold(calls, 60.0) == calls[:1]


def test_a_later_verdict_wins_and_a_withdrawn_confirmation_hides_nothing() -> None:
    first, confirmed = lesson(pattern()), lesson(pattern(), judgement="confirmed", judged_at=200.0, subject_id="other")
    memory = learned(first, confirmed)
    assert not memory.untold([alarm()], 60.0)
    memory.learn(lesson(pattern(), judged_at=300.0, subject_id="third"), Peaks(), LIFE_S)
    assert memory.untold([alarm()], 60.0)
    memory = learned(first, confirmed, msgspec.structs.replace(confirmed, withdrawn=True))
    assert memory.untold([alarm()], 60.0)


def test_a_confirmed_fault_that_is_larger_leaves_smaller_deviations_untold() -> None:
    memory = learned(lesson(pattern(1.0)), lesson(pattern(3.0), judgement="confirmed", judged_at=200.0, subject_id="o"))

    assert memory.untold([alarm(1.0)], 60.0)
    assert not memory.untold([alarm(3.0)], 60.0)


def test_no_more_than_so_many_patterns_are_remembered_and_the_oldest_lessons_go() -> None:
    memory, told = FeedbackMemory(), []
    for number in range(PATTERNS + 10):
        told += memory.learn(lesson(pattern(operation=f"GET /{number}"), subject_id=str(number)), Peaks(), LIFE_S)

    assert [change.lesson.subject_id for change in told if change.occasion == "forgotten"] == list(map(str, range(10)))
    assert not memory.untold([alarm(operation="GET /9")], 60.0)
    assert memory.untold([alarm(operation="GET /10")], 60.0)
    assert len(memory.stored()["lessons"]) == PATTERNS


def test_a_deviation_counts_with_the_size_that_it_reached() -> None:
    peaks, memory = Peaks(), FeedbackMemory()
    for now_s, size in ((50.0, 0.4), (60.0, 1.5), (70.0, 1.0)):
        peaks.note(alarm(size), now_s)
    peaks.note(alarm(9.0, operation="POST /"), 60.0)
    memory.learn(lesson(pattern(0.4, at_s=50.0)), peaks, LIFE_S)

    assert memory.untold([alarm(1.5 + 0.9 * MARGIN)], 80.0)
    assert not memory.untold([alarm(1.5 + 1.1 * MARGIN)], 80.0)


def test_what_came_after_the_judged_deviation_does_not_count() -> None:
    peaks, memory = Peaks(), FeedbackMemory()
    peaks.note(alarm(0.4), 50.0)
    peaks.note(alarm(5.0), 51.0 + QUIET_S)
    memory.learn(lesson(pattern(0.4, at_s=50.0)), peaks, LIFE_S)

    assert not memory.untold([alarm(1.0)], 400.0)


def test_a_memory_survives_its_storage() -> None:
    memory, peaks = learned(lesson(pattern(), pattern(2.0, "POST /")), lesson(pattern(), subject_id="b")), Peaks()
    peaks.note(alarm(2.0), 60.0)
    restored, restored_peaks = FeedbackMemory(), Peaks()
    restored.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(memory.stored())))
    restored_peaks.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(peaks.stored())))

    assert restored.stored() == memory.stored()
    assert restored.untold([alarm()], 60.0)
    assert restored_peaks.grown(pattern(at_s=60.0)) == pattern(alarm(2.0).deviation.size, at_s=60.0)


@given(
    st.sampled_from(["ms", "share", "percentile", "executions/s", "sigma", "odd"]),
    st.floats(-1e300, 1e300),
    st.floats(-1e300, 1e300),
)
def test_sizes_are_finite_and_grow_with_what_is_seen(unit: str, typical: float, actual: float) -> None:
    size = size_of("self_ms", unit, typical, actual)

    assert -1_000.0 < size < 1_000.0
    assert size_of("self_ms", unit, typical, typical) == pytest.approx(0.0)
    assert (size >= 0.0) == (max(0.0, actual) >= max(0.0, typical)) or abs(size) < 1e-6 or unit == "percentile"


@pytest.mark.parametrize(
    "value",
    [
        b'{"verb":"feedback","application":"shop"}',
        b'{"verb":"feedback","application":"shop","lesson":{"subject_id":"i","judgement":"maybe","judged_at":1}}',
        b'{"verb":"feedback","application":"shop","lesson":{"subject_id":"i","judgement":"confirmed","judged_at":1e300}}',
        b'{"verb":"feedback","application":"shop","lesson":{"subject_id":"","judgement":"confirmed","judged_at":1}}',
        b'{"verb":"feedback","application":"shop","asked_at":-5,"lesson":null}',
        msgspec.json.encode(
            {
                "verb": "feedback",
                "application": "shop",
                "lesson": msgspec.structs.replace(lesson(), patterns=[pattern()] * (PATTERNS + 1)),
            }
        ),
        msgspec.json.encode(
            {"verb": "feedback", "application": "shop", "lesson": lesson(pattern(size=1e9, at_s=1e300))}
        ),
    ],
)
def test_lessons_that_make_no_sense_are_refused(value: bytes) -> None:
    with pytest.raises(InvalidExecutionError):
        read_control(value)


def test_the_key_of_a_pattern_is_all_but_its_size() -> None:
    assert key_of(pattern(1.0, at_s=1.0)) == key_of(pattern(2.0, at_s=2.0))
    assert key_of(pattern(model="tail")) != key_of(pattern())
