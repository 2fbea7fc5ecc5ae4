"""Messages that wait for a consumer, through the scorer: what is told of them, when, and what is not."""

import random
from collections.abc import Callable

import msgspec
import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, QueueWait

SETTINGS = DetectionSettings(extra_detectors=())
RATE = 5.0
LEARNED = 1_500
Waited = Callable[[float], float]
"""How long a message waited, in milliseconds, that was taken so many seconds after the first of a part."""
BILLING = ("billing", "")


def usual_wait(_: float) -> float:
    return 0.0


def consumed(
    count: int, first: int, waited: Waited = usual_wait, group: str = "billing", seed: int = 1
) -> list[Execution]:
    """Messages that waited 40 ms as a rule, and longer by ``waited``."""
    draw = random.Random(f"{seed} {group}")
    return [
        Execution(
            "billing",
            f"process orders [{group}]",
            (first + number) / RATE,
            draw.lognormvariate(3.0, 0.2),
            trace_id=f"{first + number:032x}",
            kind="consumer",
            queue_wait=QueueWait("kafka orders", draw.lognormvariate(3.7, 0.5) + waited(number / RATE), group),
        )
        for number in range(count)
    ]


def behind(at_s: float) -> float:
    """The consumer falls behind by half a second every second."""
    return 500.0 * at_s


@pytest.fixture
def scorer() -> Scorer:
    made = Scorer(SETTINGS, InlineFitter())
    assert made.score(consumed(LEARNED, 0)).anomalies == []
    return made


def told(scorer: Scorer, given: list[Execution]) -> list[AnomalyEvent]:
    return [event for _, event in scorer.score(given).anomalies]


def test_a_consumer_that_falls_behind_is_told_within_a_minute_with_its_queue_and_group(scorer: Scorer) -> None:
    found = told(scorer, consumed(int(60 * RATE), LEARNED, behind, seed=2))

    first = found[0].data
    assert (first.kind, first.signal, first.unit, first.operation) == (
        "latency",
        "queue_gap_ms",
        "ms",
        "process orders [billing]",
    )
    assert first.severity == "major"
    assert first.contributions == {"messages of kafka orders for billing": 1.0}
    assert first.reason.startswith("Messages of kafka orders wait ")
    assert " for billing, typically 4" in first.reason
    assert first.actual > 5_000.0
    assert {event.data.signal for event in found} == {"queue_gap_ms"}


def test_what_waited_while_a_group_shared_its_partitions_out_anew_is_not_told(scorer: Scorer) -> None:
    def paused(at_s: float) -> float:
        return max(0.0, 12_000.0 - 1_000.0 * at_s)

    assert told(scorer, consumed(int(60 * RATE), LEARNED, paused, seed=2)) == []


def test_a_wait_that_matters_to_nobody_is_not_told(scorer: Scorer) -> None:
    assert told(scorer, consumed(int(120 * RATE), LEARNED, lambda _: 60.0, seed=2)) == []


def test_two_groups_have_charts_of_their_own(scorer: Scorer) -> None:
    slow = consumed(LEARNED, LEARNED, lambda _: 5_000.0, "audit", seed=3)
    both = [one for pair in zip(slow, consumed(LEARNED, LEARNED, seed=4), strict=True) for one in pair]
    known = told(scorer, both)

    found = told(scorer, consumed(int(60 * RATE), 2 * LEARNED, behind, "audit", seed=2))

    assert known == []
    assert {event.data.operation for event in found} == {"process orders [audit]"}
    assert "for audit, typically 5.0" in found[0].data.reason


def test_executions_that_waited_long_are_learned_in_all_else(scorer: Scorer) -> None:
    slow = consumed(int(60 * RATE), LEARNED, behind, seed=2)
    told(scorer, slow)
    other = Scorer(SETTINGS, InlineFitter())
    other.score(consumed(LEARNED, 0))
    other.score([msgspec.structs.replace(one, queue_wait=None) for one in slow])
    after = consumed(300, LEARNED + len(slow), seed=5)
    without = [msgspec.structs.replace(one, queue_wait=None, duration_ms=one.duration_ms * 9.0) for one in after]

    assert scorer.score(without).score.tolist() == other.score(without).score.tolist()


def test_a_state_goes_on_as_if_it_had_not_been_stored(scorer: Scorer) -> None:
    begun, rest = consumed(100, LEARNED, behind, seed=2), consumed(200, LEARNED + 100, lambda _: 9e3, seed=6)
    scorer.score(begun)
    again = Scorer(SETTINGS, InlineFitter())
    again.restore(scorer.snapshot(BILLING), BILLING)

    assert [event.id for event in told(again, rest)] == [event.id for event in told(scorer, rest)]
    assert again.snapshot(BILLING) == scorer.snapshot(BILLING)


def test_more_queues_than_an_application_may_have_share_one() -> None:
    scorer = Scorer(DetectionSettings(extra_detectors=(), peers_per_application=2), InlineFitter())
    given = [one for group in "abcd" for one in consumed(50, 0, group=group)]
    scorer.score(given)

    restored = Scorer(SETTINGS, InlineFitter())
    restored.restore(scorer.snapshot(BILLING), BILLING)
    [application] = restored._applications.values()
    assert list(application.calls[-1]) == ["kafka orders for a", "kafka orders for b", "(other queues)"]


def test_a_backlog_that_comes_every_night_is_told_twice_then_known(scorer: Scorer) -> None:
    day = int(86_400 * RATE)
    nights = [LEARNED + (number + 1) * day for number in range(4)]

    def of_queues(scorer: Scorer, first: int, waited_ms: float = 30_000.0) -> int:
        told(scorer, consumed(300, first - 300, seed=first))
        found = told(scorer, consumed(300, first, lambda _: waited_ms, seed=first))
        found += told(scorer, consumed(300, first + 300, seed=first))
        return sum(event.data.signal == "queue_gap_ms" for event in found)

    counts = [of_queues(scorer, first) for first in nights[:3]]
    again = Scorer(SETTINGS, InlineFitter())
    again.restore(scorer.snapshot(BILLING), BILLING)

    assert [count > 0 for count in counts] == [True, True, False]
    assert of_queues(again, nights[3], 90_000.0) > 0
    assert of_queues(scorer, nights[3]) == 0
