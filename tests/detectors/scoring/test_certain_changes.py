"""A change of structure that is certain is told at once, in small and large applications; what varies is not told."""

import random
from collections.abc import Iterator

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment

TARGET, BATCH = "POST /order", 500
SYLLABLES = [f"{first}{second}" for first in "bcdfghklmnprstvz" for second in "aeiou"]


def execution(draw: random.Random, operation: str, at_s: float, calls: str, failed: bool = False) -> Execution:
    segments = [Segment(f"SELECT {name}", draw.lognormvariate(1.0, 0.2), "db") for name in calls]
    took_ms = sum(segment.duration_ms for segment in segments) + draw.lognormvariate(3.0, 0.2)
    error = ExecutionFailure("Gone") if failed else None
    return Execution(
        "shop", operation, at_s, took_ms, status="error" if failed else "ok", error=error, segments=segments
    )


def stream(draw: random.Random, others: int, of_target: int) -> Iterator[Execution]:
    """So many of the target's executions among those of many other operations, ten to one if there are any."""
    at_s = 0.0
    while of_target:
        at_s += draw.expovariate(50.0)
        if others and draw.random() < 0.9:
            syllables = [SYLLABLES[number // 80**place % 80] for number in [draw.randrange(others)] for place in (0, 1)]
            yield execution(draw, f"GET /{''.join(syllables)}", at_s, "abc")
        else:
            yield execution(draw, TARGET, at_s, "abcdef")
            of_target -= 1


@pytest.mark.parametrize("others", [0, 20, 5_000])
def test_three_that_lack_what_none_of_a_thousand_lacked_are_told(others: int) -> None:
    draw, scorer = random.Random(others), Scorer(DetectionSettings(), InlineFitter())
    learned = list(stream(draw, others, 1_000))
    told = [
        one for start in range(0, len(learned), BATCH) for one in scorer.score(learned[start : start + BATCH]).anomalies
    ]
    assert told == []
    after_s = learned[-1].started_s
    lost = [execution(draw, TARGET, after_s + 0.2 * number, "abc") for number in range(1, 6)]
    [(index, event), *_] = scorer.score(lost).anomalies
    assert (index, event.data.operation, event.data.signal) == (2, TARGET, "structure_missing")


def test_caches_retries_options_and_failures_that_end_early_are_no_change() -> None:
    draw, scorer = random.Random(7), Scorer(DetectionSettings(), InlineFitter())
    for start in range(0, 20_000, BATCH):
        batch = []
        for number in range(start, start + BATCH):
            calls = (
                "ab" + "c" * (draw.random() < 0.3) + "dd" * (draw.random() < 0.02) + "d" + "e" * (draw.random() < 0.995)
            )
            failed = number > 2_000 and number % 1_500 in (3, 4, 5, 6)  # one after the other
            batch.append(execution(draw, TARGET, float(number), "a" if failed else calls, failed))
        told = [event.data for _, event in scorer.score(batch).anomalies]
        assert [one.reason for one in told if one.kind == "structure"] == []
