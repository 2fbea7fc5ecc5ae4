"""Silence: nights, evenings and pauses between jobs are known after some days; a real stop is told within a minute."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, epoch_seconds

DAY_S, MONDAY = 86_400.0, 1_767_571_200.0
SHOP = ("shop", "")
Rate = Callable[[Floats], Any]


def hour(times: Floats) -> Any:
    return times % DAY_S / 3_600.0


def arrivals(rate: Rate, most: float, days: float, seed: int = 1, start: float = MONDAY) -> Floats:
    random = np.random.default_rng(seed)
    times = np.sort(random.uniform(start, start + days * DAY_S, random.poisson(most * days * DAY_S)))
    kept: Floats = times[random.uniform(0.0, most, len(times)) < rate(times)]
    return kept


class Watched:
    """An application that is watched as a worker does: silence is judged every few seconds of every gap."""

    def __init__(self) -> None:
        self.scorer = Scorer(DetectionSettings(extra_detectors=()), InlineFitter())
        self.newest_s = 0.0

    def see(self, times: Floats) -> list[AnomalyEvent]:
        told: list[AnomalyEvent] = []
        rests = np.flatnonzero(np.diff(times, prepend=self.newest_s or times[0]) >= 15.0)
        for part in np.split(times, rests):
            if not len(part):
                continue
            told += self.wait(float(part[0]))
            for first in range(0, len(part), 1_000):
                chosen = part[first : first + 1_000].tolist()
                self.scorer.score([Execution("shop", "GET /", at_s, 20.0, status="ok") for at_s in chosen])
            self.newest_s = float(part[-1])
        return told

    def wait(self, until_s: float) -> list[AnomalyEvent]:
        told: list[AnomalyEvent] = []
        if self.newest_s:
            near = np.arange(self.newest_s + 15.0, min(until_s, self.newest_s + 300.0), 5.0)
            far = np.arange(self.newest_s + 300.0, until_s, 120.0)
            for now_s in (*near.tolist(), *far.tolist()):
                told += self.scorer.judge_silence(now_s, [SHOP])
        return told


def by_day(told: list[AnomalyEvent], days: int) -> list[int]:
    at = [int((epoch_seconds(event.time) - MONDAY) // DAY_S) for event in told]
    counts: list[int] = np.bincount(np.array(at, np.int64), minlength=days)[:days].tolist()
    return counts


LIVES: dict[str, tuple[Rate, float, float]] = {
    "a night": (lambda t: 0.02 + 0.48 * np.exp(-0.5 * ((hour(t) - 13) / 3) ** 2), 0.5, 12.0),
    "an office": (lambda t: 0.3 * ((hour(t) >= 8) & (hour(t) < 18) & ((t - MONDAY) // DAY_S % 7 < 5)), 0.3, 12.0),
    "a nightly job": (lambda t: 0.3 + 3.0 * ((hour(t) >= 2) & (hour(t) < 2.667)), 3.3, 12.0),
    "always": (lambda t: np.full(len(t), 0.3), 0.3, 12.0),
}


@pytest.mark.parametrize("name", LIVES)
def test_usual_pauses_are_told_in_the_first_days_only_and_a_stop_at_noon_soon(name: str) -> None:
    rate, most, noon = LIVES[name]
    watched = Watched()
    told = by_day(watched.see(arrivals(rate, most, 9)), 9)
    assert sum(told) <= 6
    assert told[6:] == [0] * 3
    start = MONDAY + 9 * DAY_S
    until_noon = arrivals(rate, most, noon / 24.0, seed=2, start=start)
    assert watched.see(until_noon) == []
    stop, *again = watched.wait(start + noon * 3_600.0 + 600.0)
    assert len(again) <= 1
    assert epoch_seconds(stop.time) - watched.newest_s <= 75.0
    assert stop.data.severity == "major"
    assert stop.data.bounds[0] < stop.data.typical < stop.data.bounds[1] < stop.data.actual


def test_a_stop_while_a_job_may_run_is_told_by_what_comes_on_all_days() -> None:
    late_s = np.random.default_rng(5).uniform(0.0, 1_800.0, 20)

    def rate(times: Floats) -> Any:
        since = times % DAY_S - 7_200.0 - late_s[((times - MONDAY) // DAY_S).astype(int)]
        return 0.3 + 2.0 * ((since >= 0.0) & (since < 1_200.0))

    watched = Watched()
    watched.see(arrivals(rate, 2.3, 9))
    start = MONDAY + 9 * DAY_S
    assert watched.see(arrivals(rate, 2.3, 2.5 / 24.0, seed=2, start=start)) == []
    [stop] = watched.wait(start + 2.5 * 3_600.0 + 900.0)
    assert epoch_seconds(stop.time) - watched.newest_s <= 150.0
    assert stop.data.severity == "major"


def test_a_stop_after_others_of_the_same_day_is_told_where_the_hour_always_brings_many() -> None:
    """Long gaps that come back are part of how executions come, and not where each day had many at this hour."""
    watched = Watched()
    watched.see(arrivals(lambda t: np.full(len(t), 0.15), 0.15, 5))
    start = MONDAY + 5 * DAY_S
    for number in range(3):
        [stop] = watched.wait(start + 1_800.0)
        assert epoch_seconds(stop.time) - watched.newest_s <= 720.0
        assert stop.data.severity == "major"
        start += 1_800.0
        watched.see(arrivals(lambda t: np.full(len(t), 0.15), 0.15, 0.2, seed=number, start=start))
        start += 0.2 * DAY_S


def test_after_dense_traffic_a_slow_stream_is_not_silent() -> None:
    watched = Watched()
    dense = arrivals(lambda t: np.full(len(t), 15.0), 15.0, 240.0 / DAY_S)
    slow = arrivals(lambda t: np.full(len(t), 0.08), 0.08, 780.0 / DAY_S, seed=2, start=MONDAY + 240.0)
    assert len(watched.see(np.concatenate([dense, slow]))) <= 2


def test_nobody_coming_at_the_usual_hour_is_told_once_and_is_minor() -> None:
    rate, most, _ = LIVES["an office"]
    watched = Watched()
    watched.see(arrivals(rate, most, 18))  # until Friday morning
    friday = MONDAY + 18 * DAY_S
    [missing] = watched.wait(friday + DAY_S)
    assert missing.data.severity == "minor"
    assert 8.0 < (epoch_seconds(missing.time) - friday) / 3_600.0 < 10.5


def test_a_holiday_on_which_a_few_come_is_told_once_and_the_day_after_is_watched_again() -> None:
    rate, most, _ = LIVES["an office"]
    watched = Watched()
    watched.see(arrivals(rate, most, 18))  # until Friday morning
    friday, monday = MONDAY + 18 * DAY_S, MONDAY + 21 * DAY_S
    [missing] = watched.see(arrivals(lambda t: 0.003 * rate(t) / most, 0.003, 1, seed=2, start=friday))
    assert missing.data.severity == "minor"
    [nobody] = watched.wait(monday + 0.5 * DAY_S)
    assert nobody.data.severity == "minor"
    assert 8.0 < (epoch_seconds(nobody.time) - monday) / 3_600.0 < 10.5


def test_jobs_and_pods_that_end_are_not_missed() -> None:
    scorer, told = Scorer(DetectionSettings(extra_detectors=()), InlineFitter()), []
    for kind, lived_s, lives in (("request", 120.0, 20), ("job", 1_800.0, 5), ("command", 1_800.0, 5)):
        for number in range(lives):
            key = (f"{kind}-{number}-x7f9c", "")
            times = (MONDAY + np.arange(0.0, lived_s, 0.5)).tolist()
            scorer.score([Execution(key[0], "run", at_s, 20.0, kind=kind) for at_s in times])  # type: ignore[arg-type]
            told += scorer.judge_silence(MONDAY + lived_s + 60.0, [key])
    assert told == []


def test_a_silence_is_told_at_once_and_again_when_it_has_lasted() -> None:
    watched = Watched()
    watched.see(arrivals(lambda t: np.full(len(t), 4.0), 4.0, 1_200.0 / DAY_S))
    told = watched.wait(watched.newest_s + 3_000.0)
    assert [round(epoch_seconds(one.time) - watched.newest_s) for one in told] == [15, 45]
    assert [one.data.severity for one in told] == ["major", "major"]
    assert told[0].id != told[1].id


def test_an_instance_that_is_redeployed_is_told_once() -> None:
    watched = Watched()
    watched.see(arrivals(lambda t: np.full(len(t), 4.0), 4.0, 1_200.0 / DAY_S))
    back_s = watched.newest_s + 25.0
    assert len(watched.see(back_s + np.arange(0.0, 300.0, 0.25))) == 1


def test_few_executions_are_not_missed() -> None:
    watched = Watched()
    watched.see(MONDAY + np.arange(30.0))
    assert watched.wait(MONDAY + DAY_S) == []
