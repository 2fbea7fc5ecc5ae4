"""What time it is in an application: one wrong clock does not say it, and most clocks do."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.features.clocks import ANEW, EARLY, IN_TIME, LATE, Clocks, GivenTimes

HOUR = 3_600.0


def opened() -> Clocks:
    clocks = Clocks(lateness_s=5.0)
    clocks.open(0)
    return clocks


def give(clocks: Clocks, starts: Floats, duration_ms: float = 100.0) -> GivenTimes:
    n = len(starts)
    return clocks.give(np.zeros(n, np.int64), starts, np.full(n, duration_ms))


def poisson(n: int, rate: float = 2.0, start: float = 1.79e9) -> Floats:
    return start + np.cumsum(np.random.default_rng(n).exponential(1.0 / rate, n))


@pytest.mark.parametrize("ahead_s", [400.0, HOUR, 30 * 24 * HOUR])
def test_one_execution_from_a_clock_that_is_ahead_changes_nothing_for_the_others(ahead_s: float) -> None:
    times = poisson(2_000)
    with_one = np.insert(times, 1_000, times[1_000] + ahead_s)
    given = give(opened(), with_one)
    assert given.standing.tolist() == [IN_TIME] * 1_000 + [EARLY] + [IN_TIME] * 1_000
    assert np.array_equal(np.delete(given.times, 1_000), times)
    assert given.times[1_000] == times[999]
    assert np.isnan(given.counted[1_000])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("ahead_s", [240.0, -240.0, HOUR])
def test_where_the_clocks_of_many_hosts_differ_one_time_is_followed_and_all_are_counted(
    share: float, ahead_s: float
) -> None:
    times = poisson(6_000)
    skewed = times + ahead_s * (np.random.default_rng(3).random(len(times)) < share)
    given = give(opened(), skewed)
    later = slice(1_000, None)
    assert not np.isnan(given.counted[later]).any()
    offset = given.counted[later] - times[later]
    assert np.ptp(offset) < 60.0  # all are counted by one of the clocks
    assert not (given.standing[later] == ANEW).any()


def test_all_are_counted_in_time_for_windows_where_clocks_differ_by_seconds() -> None:
    times = poisson(2_000)
    given = give(opened(), times + 45.0 * (np.arange(2_000) % 2))
    newest = np.maximum.accumulate(given.times)
    assert (given.standing == IN_TIME).all()
    assert (given.counted >= newest - 5.0).all()


def test_a_rest_is_believed_after_a_few_executions() -> None:
    before = poisson(500)
    after = poisson(500, start=before[-1] + 8 * HOUR)
    given = give(opened(), np.concatenate([before, after]))
    assert given.standing[500:503].tolist() == [EARLY] * 3
    assert (given.standing[503:] == IN_TIME).all()
    assert np.isnan(given.counted[500:503]).all()  # they are no traffic of the evening before
    assert np.array_equal(given.times[503:], after[3:])


@pytest.mark.parametrize("every_s", [90.0, 600.0, 24 * HOUR])
def test_what_comes_seldom_is_believed_as_it_comes(every_s: float) -> None:
    given = give(opened(), np.array([number * every_s for number in range(200)]))
    assert (given.standing[8:] == IN_TIME).all()


def test_batches_of_every_five_minutes_are_in_time() -> None:
    times = np.array([300.0 * batch + 0.05 * number for batch in range(60) for number in range(20)])
    assert (give(opened(), times).standing[200:] == IN_TIME).mean() > 0.9


def test_a_first_execution_from_a_clock_that_is_ahead_is_overruled() -> None:
    times = poisson(500)
    given = give(opened(), np.insert(times, 0, times[0] + HOUR))
    anew = np.flatnonzero(given.standing == ANEW)
    assert len(anew) == 1
    assert anew[0] < 40
    assert (given.standing[anew[0] + 1 :] == IN_TIME).all()


def test_an_application_whose_time_ran_ahead_for_long_goes_back_with_most_of_its_clocks() -> None:
    times = poisson(4_000)
    given = give(opened(), np.concatenate([times[:1_000] + HOUR, times[1_000:]]))
    anew = np.flatnonzero(given.standing == ANEW)
    assert len(anew) == 1
    assert 1_000 < anew[0] <= 3_001
    assert (given.standing[anew[0] + 1 :] == IN_TIME).all()


def test_a_backlog_is_late_and_no_traffic_of_now() -> None:
    live, backlog = poisson(4_000), poisson(1_000, rate=2.0, start=1.79e9 - HOUR)
    together = np.concatenate([live[:2_000], backlog, live[2_000:]])
    given = give(opened(), together)
    assert (given.standing[2_000:3_000] == LATE).all()
    assert (given.times[2_000:3_000] == live[1_999]).all()
    assert np.array_equal(given.counted[2_000:3_000], backlog)
    assert (given.standing[3_000:] == IN_TIME).all()


@pytest.mark.parametrize("behind_s", [90.0, HOUR, 30 * 24 * HOUR])
def test_after_a_rest_too_what_is_from_a_clock_behind_is_of_the_time_that_it_is(behind_s: float) -> None:
    before = poisson(500)
    after = poisson(500, start=before[-1] + 8 * HOUR)
    old = after - behind_s * (np.arange(500) % 4 == 3)
    given = give(opened(), np.concatenate([before, old]))
    assert (given.times[600:] >= np.maximum.accumulate(old)[100:] - 1e-6).all()


def test_a_time_that_was_set_forward_is_doubtful_until_many_agree() -> None:
    times = poisson(1_000)
    rested = give(opened(), np.concatenate([times[:500], times[500:] + 48 * HOUR]))
    assert np.flatnonzero(rested.doubtful).tolist() == [*range(32), *range(503, 535)]
    wrong = np.where((np.arange(1_000) >= 500) & (np.arange(1_000) < 505), 72 * HOUR, 0.0)
    ahead = give(opened(), times + wrong)
    assert ahead.doubtful[504:560].all()
    assert not ahead.doubtful[700:].any()
    assert np.array_equal(ahead.times[505:], times[505:])  # they are late by the doubtful time alone


def test_a_host_that_is_ahead_and_sends_hundreds_at_once_is_believed_at_most_once() -> None:
    times = poisson(6_000)
    rogue = (np.arange(6_000) // 100) % 10 == 7
    standing = give(opened(), times + HOUR * rogue).standing
    assert (standing[(np.arange(6_000) > 2_000) & ~rogue] == IN_TIME).all()


def test_a_long_execution_is_sent_when_it_ends() -> None:
    clocks, times = opened(), poisson(200)
    give(clocks, times)
    long = clocks.give(np.zeros(1, np.int64), times[-1:] - HOUR, np.array([HOUR * 1_000.0]))
    assert long.standing.tolist() == [IN_TIME]
    assert clocks.now_s(0) == times[-1]


def test_a_lateness_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'lateness_s' parameter of Clocks must be 0 or above\. Got -1\.0 instead"):
        Clocks(-1.0)
