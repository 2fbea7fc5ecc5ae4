"""Bursts of single templates: told by name where nothing of the kind came before, and nowhere else."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tracehound.detectors.bank import Floats
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.windows.bursts import GROWTH, LEAST_COUNT, SURGE, Burst, Bursts
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution

DAY_S = 86_400.0
TOLD = 6.0
"""A score that is told in an application that has shown nothing yet."""
SHOP = ("shop logs", "")


def judge(bursts: Bursts, times: Sequence[float] | Floats, key: int = 0, anew: bool = False) -> Burst:
    n = len(times)
    slots = np.full(n, key, np.int64)
    given = np.asarray(times, np.float64), np.ones(n, np.bool_), np.full(n, anew)
    return bursts.judge_then_learn(slots, np.zeros(n, np.int64), *given)


def opened(keys: int = 1) -> Bursts:
    bursts = Bursts()
    bursts.open_group(0)
    for key in range(keys):
        bursts.open(key)
    return bursts


def at_once(count: int, at_s: float) -> Floats:
    return np.linspace(at_s, at_s + 20.0, count, endpoint=False)


def most(judged: Burst) -> float:
    return float(judged.score.max(initial=0.0))


def test_what_hardly_ever_came_and_comes_in_masses_is_a_burst() -> None:
    bursts = opened()
    assert most(judge(bursts, np.arange(0.0, 2 * DAY_S, 3_600.0))) == 0.0
    judged = judge(bursts, at_once(200, 2 * DAY_S + 7.0))
    assert most(judged) > TOLD
    assert judged.counts[0] == LEAST_COUNT  # it is judged while it goes on
    assert judged.largest.tolist() == pytest.approx([1.0] * len(judged.rows))


def test_within_its_first_day_nothing_is_a_burst() -> None:
    bursts = opened()
    judge(bursts, np.arange(0.0, DAY_S / 2, 600.0))
    assert len(judge(bursts, at_once(5_000, DAY_S / 2)).rows) == 0


def test_what_comes_each_night_in_masses_is_none() -> None:
    bursts, told = opened(), 0.0
    random = np.random.default_rng(3)
    for day in range(20):
        count = int(random.poisson(400))
        told = max(told, most(judge(bursts, at_once(count, day * DAY_S + 7_200.0 + random.normal(0.0, 60.0)))))
        told = max(told, most(judge(bursts, np.arange(day * DAY_S + 20_000.0, (day + 1) * DAY_S, 900.0))))
    assert told == 0.0


def test_more_of_everything_is_no_burst_of_one() -> None:
    bursts = opened(10)
    times = np.sort(np.random.default_rng(5).uniform(0.0, 2 * DAY_S, 200_000))
    keys = np.arange(len(times)) % 10
    zeros, ones = np.zeros(len(times), np.int64), np.ones(len(times), np.bool_)
    quiet = bursts.judge_then_learn(keys, zeros, times, ones, ~ones)
    tenfold = 2 * DAY_S + np.arange(3_500) / 3_500 * 29.0  # all ten of them ten times as often
    crowd = bursts.judge_then_learn(keys[:3_500], zeros[:3_500], tenfold, ones[:3_500], ~ones[:3_500])
    assert (most(quiet), most(crowd)) == (0.0, 0.0)
    alone = judge(bursts, at_once(350, 2 * DAY_S + 40.0), key=3)
    assert most(alone) > TOLD


def test_a_burst_is_told_again_until_it_is_usual() -> None:
    bursts = opened()
    judge(bursts, np.arange(0.0, 2 * DAY_S, 3_600.0))
    scores = [most(judge(bursts, at_once(300, 2 * DAY_S + hours * 7_200.0))) for hours in range(8)]
    assert scores[0] > TOLD
    assert scores[1] > TOLD
    assert scores[-1] == 0.0
    assert len([score for score in scores if score > 0.0]) == math.ceil(math.log(300 / LEAST_COUNT, GROWTH))


def test_a_thousand_templates_make_each_less_improbable() -> None:
    few, many = opened(1), opened(1_000)
    for bursts, keys in ((few, 1), (many, 1_000)):
        for key in range(keys):
            judge(bursts, [1.0 + key / 1_000], key)
        judge(bursts, np.arange(60.0, 2 * DAY_S, 3_600.0))
    burst = at_once(100, 2 * DAY_S + 60.0)
    assert most(judge(few, burst)) == pytest.approx(most(judge(many, burst)) + 3.0)


def test_late_ones_and_time_that_begins_anew_are_survived() -> None:
    bursts = opened()
    judge(bursts, np.arange(0.0, 2 * DAY_S, 60.0))
    assert len(judge(bursts, at_once(100, DAY_S)).rows) == 0  # late
    judge(bursts, np.arange(0.0, 600.0, 60.0), anew=True)
    assert most(judge(bursts, at_once(300, 660.0))) > TOLD


def test_a_snapshot_goes_on_the_same() -> None:
    bursts, other = opened(), opened()
    times = np.arange(0.0, 2 * DAY_S, 300.0)
    judge(bursts, times)
    key, group = bursts.snapshot(0), bursts.snapshot_group(0)
    assert key is not None
    assert group is not None
    other.restore(0, key)
    other.restore_group(0, group)
    burst = at_once(90, 2 * DAY_S + 10.0)
    assert judge(other, burst).score.tolist() == judge(bursts, burst).score.tolist()
    assert (other.snapshot(0), opened().snapshot(0)) == (bursts.snapshot(0), None)


@pytest.mark.parametrize(
    "wrong", [{"count": -1.0}, {"rate": math.inf}, {"first": 1e12}, {"largest": "many"}, {"due": math.nan}]
)
def test_a_wrong_state_is_refused(wrong: dict[str, Any]) -> None:
    bursts = opened()
    judge(bursts, [0.0, 60.0])
    with pytest.raises(ValueError, match="bursts"):
        bursts.restore(0, {**(bursts.snapshot(0) or {}), **wrong})


def logged(template: str, times: Sequence[float] | Floats, failed: bool = False) -> list[Execution]:
    events = [Execution(SHOP[0], template, float(at), 0.0, kind="log") for at in times]
    return [replace(one, status="error") for one in events] if failed else events


def told_of(scorer: Scorer, events: list[Execution]) -> list[AnomalyEvent]:
    events.sort(key=lambda one: one.started_s)
    told: list[AnomalyEvent] = []
    for first in range(0, len(events), 256):
        told += [event for _, event in scorer.score(events[first : first + 256]).anomalies]
    return told


@pytest.mark.parametrize(("failed", "severity"), [(False, "minor"), (True, "major")])
def test_the_template_is_named_and_not_all_that_the_application_logs(failed: bool, severity: str) -> None:
    scorer = Scorer(DetectionSettings(), InlineFitter())
    random = np.random.default_rng(7)
    life: list[Execution] = []
    for number in range(20):
        life += logged(f"order <num> went to {number}", random.uniform(0.0, 2 * DAY_S, 3_000))
    seldom = random.uniform(0.0, 2 * DAY_S, 40)
    life += logged("the ledger is slow", seldom)
    assert told_of(scorer, life) == []

    end = 2 * DAY_S
    usual = [one for n in range(20) for one in logged(f"order <num> went to {n}", random.uniform(end, end + 60.0, 1))]
    bursting = usual + logged("the ledger is slow", at_once(150, end + 30.0), failed)
    found = [event.data for event in told_of(scorer, bursting) if event.data.signal == "template_rate"]
    assert [(one.kind, one.operation, one.severity) for one in found[:1]] == [
        ("traffic", "the ledger is slow", severity)
    ]
    assert found[0].reason.startswith('"the ledger is slow" was logged ')
    assert found[0].actual >= SURGE * found[0].bounds[1]

    again = Scorer(DetectionSettings(), InlineFitter())
    again.restore(scorer.snapshot(SHOP), SHOP)
    assert again.snapshot(SHOP) == scorer.snapshot(SHOP)
