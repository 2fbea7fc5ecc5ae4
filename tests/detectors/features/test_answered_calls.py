"""A callee's telemetry that is lost makes nobody slow; a call that never reached its callee still does."""

import random
from collections.abc import Callable

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, Segment

FRONT, STOCK = ("front", ""), ("stock", "")
START_S, SINCE, COUNT = 1_767_225_600.0, 1_200, 2_400
Lost = Callable[[random.Random], bool]


def told(lost: Lost, timeout_ms: float = 0.0, restored: bool = False) -> tuple[list[AnomalyEvent], list[AnomalyEvent]]:
    """What is told of ``front``, which calls ``stock`` each second, and of silence; some answers do not arrive."""
    of, scorer = random.Random(4), Scorer(DetectionSettings(), InlineFitter())
    found: list[AnomalyEvent] = []
    silences: list[AnomalyEvent] = []
    given: list[Execution] = []
    for second in range(COUNT):
        at_s, own_ms, gap_ms, remote_ms = START_S + second, of.uniform(18, 22), of.uniform(18, 22), of.uniform(56, 64)
        without = second >= SINCE and lost(of)
        call_ms = remote_ms + gap_ms + (timeout_ms if without else 0.0)
        call = Segment("GET /stock", call_ms, "http", 10.0, peer="stock", remote_ms=None if without else remote_ms)
        given.append(Execution("front", "GET /", at_s, call_ms + own_ms, segments=[call]))
        if not without:
            given.append(Execution("stock", "GET /stock", at_s + 0.02, remote_ms))
        if second % 20 < 19:
            continue
        found += [event for _, event in scorer.score(given).anomalies]
        silences += scorer.judge_silence(at_s, [FRONT, STOCK])
        given.clear()
        if restored and second == SINCE + 99:
            restart = Scorer(DetectionSettings(), InlineFitter())
            for key in (FRONT, STOCK):
                restart.restore(scorer.snapshot(key))
            scorer = restart
    return found, silences


@pytest.mark.parametrize("restored", [False, True])
def test_a_silent_callee_is_told_once_and_its_caller_is_not_slow(restored: bool) -> None:
    found, silences = told(lambda of: True, restored=restored)
    assert found == []
    assert {event.data.application for event in silences} == {"stock"}
    assert len(silences) <= 2  # noticed, and once more when it has lasted


def test_a_fifth_of_the_answers_lost_is_nothing() -> None:
    assert told(lambda of: of.random() < 0.2) == ([], [])


def test_calls_that_time_out_are_still_slow() -> None:
    found, _ = told(lambda of: True, timeout_ms=900.0)
    slow = [event.data for event in found if event.data.kind == "latency"]
    assert slow
    assert {one.application for one in slow} == {"front"}
    assert "stock" in slow[0].reason
