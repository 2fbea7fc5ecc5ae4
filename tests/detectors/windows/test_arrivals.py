"""Arrivals: what a gap is worth, by how often and how evenly executions came of late."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.windows.arrivals import Arrivals


def learned(times: Floats) -> Arrivals:
    arrivals = Arrivals()
    arrivals.open(0)
    arrivals.learn(np.zeros(len(times), np.int64), times)
    return arrivals


def poisson(rate: float, count: int, seed: int = 1) -> Floats:
    return np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate, count))


@pytest.mark.parametrize("rate", [0.0003, 0.02, 1.0, 50.0])
def test_gaps_of_a_poisson_process_are_as_improbable_as_they_are(rate: float) -> None:
    arrivals = learned(poisson(rate, 3_000))
    assert arrivals.rate(0) == pytest.approx(rate, rel=0.5)
    assert 2.0 < arrivals.score(0, 8.0 / rate) < 5.0
    assert arrivals.score(0, 40.0 / rate) > 6.0


def test_few_gaps_of_a_poisson_process_score_high() -> None:
    times = poisson(0.5, 40_000)
    arrivals = learned(times[:100])
    gaps = np.diff(times[99:])
    scores = []
    for at, gap in enumerate(gaps[:20_000].tolist()):
        scores.append(arrivals.score(0, gap) if gap > 8.0 else 0.0)
        arrivals.learn(np.zeros(1, np.int64), times[100 + at : 101 + at])
    assert (np.array(scores) >= 4.0).sum() <= 6


def test_a_clock_that_misses_some_ticks_is_noticed_sooner_than_chance() -> None:
    even, random = learned(60.0 * np.arange(2_000.0)), learned(poisson(1.0 / 60.0, 2_000))
    assert even.score(0, 480.0) > 6.0 > 4.5 > random.score(0, 480.0)


def test_what_comes_in_bursts_is_doubted() -> None:
    bursts = np.concatenate([600.0 * burst + poisson(5.0, 200, burst) for burst in range(100)])
    steady = learned(poisson(1.0, 3_000))
    bursty = learned(bursts)
    expected = 20.0
    assert bursty.score(0, 1e6, expected) < steady.score(0, 1e6, expected)


def test_after_dense_traffic_the_recent_gaps_count() -> None:
    lull = learned(np.concatenate([poisson(15.0, 3_600), 240.0 + poisson(0.08, 12)]))
    assert lull.score(0, 20.0) < 6.0


def test_a_rest_is_not_the_rate_for_long() -> None:
    rested = learned(np.concatenate([poisson(2.0, 4_000), 40_000.0 + poisson(2.0, 1_500)]))
    assert rested.rate(0) > 0.8


def test_late_executions_and_the_first_change_no_clock() -> None:
    arrivals = learned(np.array([100.0, 90.0, 101.0]))
    assert arrivals.newest_s(0) == 101.0
    assert Arrivals().rate(0) == 0.0
    assert learned(np.array([5.0])).score(0, 1e9) == 0.0


def test_a_state_goes_on_the_same() -> None:
    times = poisson(1.0, 500)
    arrivals, other = learned(times), Arrivals()
    other.open(3)
    other.restore(3, arrivals.snapshot(0))
    assert other.snapshot(3) == arrivals.snapshot(0)
    assert other.score(3, 9.0) == arrivals.score(0, 9.0)
    with pytest.raises(ValueError, match="must be a number"):
        other.restore(3, arrivals.snapshot(0) | {"gap_s": -1.0})


def in_bursts(hours: int, seed: int = 3) -> Floats:
    """One a second, but for a gap of 60 to 90 s about every 25 minutes."""
    random = np.random.default_rng(seed)
    parts, at_s = [], 0.0
    while at_s < 3_600.0 * hours:
        parts.append(at_s + poisson(1.0, int(random.uniform(1_200, 1_800)), int(random.integers(1 << 30))))
        at_s = parts[-1][-1] + random.uniform(60.0, 90.0)
    return np.concatenate(parts)


def test_long_gaps_that_come_back_are_usual_and_longer_ones_are_not() -> None:
    limit = 6.6  # of one execution a second, where one silence in 40 days may be told wrongly
    arrivals, told = Arrivals(), 0
    arrivals.open(0)
    for time in in_bursts(12).tolist():
        gap_s = time - arrivals.newest_s(0)
        told += gap_s > 20.0 and arrivals.score(0, gap_s) > limit
        arrivals.learn(np.zeros(1, np.int64), np.array([time]))

    assert 1 <= told <= 2
    assert arrivals.score(0, 95.0) < limit < arrivals.score(0, 240.0)


def test_one_outage_a_day_does_not_hide_the_next() -> None:
    days = [86_400.0 * day + poisson(1.0, 30_000, day) for day in range(5)]
    once = learned(np.concatenate(days))

    assert once.score(0, 30.0) == pytest.approx(learned(days[0]).score(0, 30.0), rel=0.25)


@pytest.mark.parametrize("rate", [0.02, 1.0, 20.0])
def test_long_gaps_of_a_poisson_process_change_little(rate: float) -> None:
    arrivals = learned(poisson(rate, 200_000))
    fresh = learned(poisson(rate, 500, 5))

    assert arrivals.score(0, 25.0 / arrivals.rate(0)) > 0.75 * fresh.score(0, 25.0 / fresh.rate(0))
