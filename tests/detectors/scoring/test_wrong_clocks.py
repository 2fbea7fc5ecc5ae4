"""Wrong clocks of some senders neither hide what happens nor raise alarms: traffic, silence and what time is told."""

import random

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, epoch_seconds

KEY = ("shop", "")
START, RATE, CUT = 1.79e9, 4.0, 26_000


def told(share: float, ahead_s: float, lost: float, single: bool = False) -> tuple[set[str], bool]:
    """The kinds of anomalies of two hours of traffic that loses a share of itself, and whether its end is noticed."""
    of, now_s = random.Random(1), START
    scorer, executions = Scorer(DetectionSettings(), InlineFitter()), []
    kinds: set[str] = set()
    for number in range(30_000):
        now_s += of.expovariate(RATE)
        duration_ms = 100.0 * of.lognormvariate(0.0, 0.2)
        ahead = of.random() < share
        if number > CUT and of.random() < lost:
            continue
        wrong_s = ahead_s if ahead or (single and number == 12_000) else 0.0
        executions.append(Execution("shop", "GET /", now_s + wrong_s, duration_ms))
    for first in range(0, len(executions), 500):
        kinds |= {event.data.kind for _, event in scorer.score(executions[first : first + 500]).anomalies}
    heard_s = scorer.now_s(KEY)
    assert heard_s is not None
    return kinds, bool(scorer.judge_silence(heard_s + 600.0, [KEY]))


@pytest.mark.parametrize(
    ("share", "ahead_s", "single"),
    [(0.0, 3_600.0, True), (0.5, 240.0, False), (0.5, -240.0, False), (0.1, 3_600.0, False), (0.3, 900.0, False)],
)
def test_a_loss_of_traffic_and_silence_are_noticed_and_nothing_else(share: float, ahead_s: float, single: bool) -> None:
    assert told(share, ahead_s, lost=0.9, single=single)[0] == {"traffic"}
    assert told(share, ahead_s, lost=0.0, single=single) == (set(), True)


@pytest.mark.parametrize(("share", "ahead_s"), [(0.02, 3_600.0), (0.1, 240.0), (0.1, 3_600.0), (0.3, 86_400.0)])
def test_all_stop_but_a_host_whose_clock_is_ahead(share: float, ahead_s: float) -> None:
    of, now_s = random.Random(1), START
    scorer, executions = Scorer(DetectionSettings(), InlineFitter()), []
    for _ in range(30_000):
        now_s += of.expovariate(RATE)
        duration_ms = 100.0 * of.lognormvariate(0.0, 0.2)
        ahead = of.random() < share
        stopped = START + 6_000.0 <= now_s < START + 6_600.0
        if ahead or not stopped:
            executions.append(Execution("shop", "GET /", now_s + ahead * ahead_s, duration_ms))
    told = [
        event for first in range(0, 30_000, 500) for _, event in scorer.score(executions[first : first + 500]).anomalies
    ]

    assert {event.data.kind for event in told} == {"traffic"}
    assert START + 6_000.0 < epoch_seconds(told[0].time) < START + 6_200.0
    heard_s = scorer.now_s(KEY)
    assert heard_s is not None
    assert abs(heard_s - now_s) < 60.0


def test_what_time_it_is_does_not_follow_one_clock() -> None:
    scorer = Scorer(DetectionSettings(), InlineFitter())
    scorer.score([Execution("shop", "GET /", START + second, 100.0) for second in range(100)])
    found = scorer.score([Execution("shop", "GET /", START + 7_200.0, 100_000.0)]).anomalies
    assert scorer.now_s(KEY) == START + 99.0
    assert [event.time for _, event in found] == ["2026-09-21T14:14:59.000Z"] * len(found)
    assert scorer.statistics()["early"] == 1
    restored = Scorer(DetectionSettings(), InlineFitter())
    restored.restore(scorer.snapshot(KEY))
    assert restored.now_s(KEY) == START + 99.0
    assert scorer.now_s(("nobody", "")) is None
