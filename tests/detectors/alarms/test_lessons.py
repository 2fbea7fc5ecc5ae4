"""What a scorer learns of verdicts: the like is not told again, all else is; through restarts, and for a while."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.detectors.scoring.shop import changed, scorer, slowed, warmed, workload
from tests.detectors.telling.test_feedback import LIFE_S, lesson, pattern
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.telling.deviation import size_of
from tracehound.detectors.telling.feedback import about_of
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ExecutionFailure, epoch_seconds
from tracehound.schemas.feedback import Judgement, Lesson, Pattern

SHOP = ("shop", "")


def pattern_of(event: AnomalyEvent) -> Pattern:
    data = event.data
    size = size_of(data.signal, data.unit, data.typical, data.actual)
    about = about_of(data.signal, data.contributions)
    return Pattern(data.kind, data.signal, data.model.name, data.operation, about, size, epoch_seconds(event.time))


def judge(found: Scorer, events: Sequence[AnomalyEvent], judgement: Judgement = "false_positive", **more: Any) -> str:
    """Teach that these are all of an incident; returns what is told of it."""
    taught = Lesson("incident", judgement, 5_000.0, [pattern_of(event) for event in events], by="ann", **more)
    return " ".join(event.data.sentence for event in found.heed(SHOP, taught))


def anomalies(scored: ScoredBatch) -> list[AnomalyEvent]:
    return [event for _, event in scored.anomalies]


@pytest.fixture
def judged() -> Scorer:
    """An application of which 60 ms more were a false positive, and that has been normal since."""
    found = warmed()
    deviated = found.score(slowed(workload("shop", 120, 2, 1_000.0), 60.0))
    assert {event.data.kind for event in anomalies(deviated)} == {"latency"}
    found.score(workload("shop", 700, 3, 1_120.0))
    told = judge(found, anomalies(deviated))
    assert told == (
        "incident was judged a false positive by ann: its 2 patterns in shop are not told again up to 20 % beyond "
        "that, for 30 days."
    )
    return found


REPEAT = slowed(workload("shop", 120, 4, 1_820.0), 60.0)


def test_what_was_judged_is_not_told_again_and_does_not_deviate(judged: Scorer) -> None:
    scored = judged.score(REPEAT)

    assert scored.anomalies == []
    assert scored.deviating == {}
    assert scored.severity == [None] * len(REPEAT)
    assert scored.suppressed["latency"] > 100


def test_the_same_is_told_where_nobody_judged() -> None:
    found = warmed()
    found.score(workload("shop", 820, 3, 1_000.0))

    assert anomalies(found.score(REPEAT))


def test_a_larger_deviation_is_told(judged: Scorer) -> None:
    found = anomalies(judged.score(slowed(workload("shop", 120, 4, 1_820.0), 400.0)))

    assert {event.data.operation for event in found} == {"GET /0", "GET /1"}


def test_errors_beside_what_was_judged_are_told(judged: Scorer) -> None:
    """A true fault of another kind, in the same executions."""
    failing = changed(REPEAT, status="error", error=ExecutionFailure("Timeout"))
    found = anomalies(judged.score(failing))

    assert {event.data.kind for event in found} == {"errors"}
    assert "critical" in {event.data.severity for event in found}


def test_another_operation_is_told() -> None:
    found = warmed()
    first = slowed(workload("shop", 120, 2, 1_000.0), 60.0)
    deviated = found.score(
        [
            one if one.operation == "GET /0" else usual
            for one, usual in zip(first, workload("shop", 120, 2, 1_000.0), strict=True)
        ]
    )
    found.score(workload("shop", 700, 3, 1_120.0))
    judge(found, anomalies(deviated))

    assert {event.data.operation for event in anomalies(found.score(REPEAT))} == {"GET /1"}


def test_a_restart_forgets_nothing(judged: Scorer) -> None:
    """Also not between what was told and the verdict."""
    before, after = warmed(), scorer()
    deviated = before.score(slowed(workload("shop", 120, 2, 1_000.0), 60.0))
    after.restore(before.snapshot(SHOP))
    after.score(workload("shop", 700, 3, 1_120.0))
    judge(after, anomalies(deviated))
    again = scorer()
    again.restore(after.snapshot(SHOP))

    assert again.snapshot(SHOP) == judged.snapshot(SHOP)
    assert again.score(REPEAT).anomalies == []
    judged.score(REPEAT)
    assert again.snapshot(SHOP) == judged.snapshot(SHOP)


def test_how_executions_are_batched_makes_no_difference(judged: Scorer) -> None:
    other = scorer()
    other.restore(judged.snapshot(SHOP))
    larger = [*REPEAT, *slowed(workload("shop", 60, 5, 1_940.0), 400.0)]
    found = [event for start in range(0, len(larger), 7) for event in anomalies(other.score(larger[start : start + 7]))]

    assert found == anomalies(judged.score(larger))
    assert other.snapshot(SHOP) == judged.snapshot(SHOP)


def test_a_snapshot_from_before_there_was_feedback_is_read(judged: Scorer) -> None:
    state = unpack(judged.snapshot(SHOP))
    del state["feedback"]
    found = scorer()
    found.restore(pack(state))

    assert anomalies(found.score(REPEAT))


def test_a_withdrawn_verdict_is_forgotten(judged: Scorer) -> None:
    told = judge(judged, [], withdrawn=True)

    assert told.startswith("The verdict on incident was withdrawn: its 2 patterns in shop")
    assert anomalies(judged.score(REPEAT))


def test_a_confirmed_fault_is_told_whatever_was_judged_before(judged: Scorer) -> None:
    assert "are told, whatever was judged before" in judge(
        judged,
        [],
        "confirmed",
    )
    assert anomalies(judged.score(REPEAT))


def test_a_verdict_expires_with_event_time(judged: Scorer) -> None:
    later = 1_820.0 + LIFE_S
    scored = judged.score([*workload("shop", 300, 6, later - 300.0), *slowed(workload("shop", 120, 4, later), 60.0)])

    assert anomalies(scored)
    [told] = [event.data for event in scored.model_events if event.data.change == "feedback"]
    assert told.sentence.startswith("The verdict on incident is too old to count")


def test_a_lesson_that_comes_twice_changes_nothing(judged: Scorer) -> None:
    before = judged.snapshot(SHOP)
    known = Lesson("incident", "false_positive", 5_000.0, [pattern()])

    assert judged.heed(SHOP, known) == []
    assert judged.heed(SHOP, msgspec.structs.replace(known, judged_at=4_000.0, judgement="confirmed")) == []
    assert judged.snapshot(SHOP) == before


def test_an_application_without_models_learns_nothing() -> None:
    assert scorer().heed(SHOP, lesson(pattern())) == []


def test_an_expected_change_is_soon_the_new_normal() -> None:
    """Without it that takes a day."""
    models = []
    for judgement in ("expected_change", "false_positive"):
        found = warmed()
        deviated = found.score(slowed(workload("shop", 60, 2, 1_000.0), 60.0))
        judge(found, anomalies(deviated), judgement)
        scored = found.score(slowed(workload("shop", 600, 3, 1_060.0), 60.0))
        assert scored.anomalies == []
        models.append([event.data.change for event in scored.model_events].count("new_normal"))

    assert models[0] >= 2
    assert models[1] == 0


def test_a_silence_that_was_judged_is_told_when_it_lasts_longer() -> None:
    found = warmed()
    [told] = found.judge_silence(1_060.0, [SHOP])
    judge(found, [told])
    found.score(workload("shop", 500, 2, 1_000.0))

    assert found.judge_silence(1_560.0, [SHOP]) == []
    [longer] = found.judge_silence(1_620.0, [SHOP])
    assert longer.data.actual == 121_000.0
