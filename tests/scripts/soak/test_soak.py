"""Growth of memory is that of the worker which lives through the whole soak, and is not its warm-up."""

import math
from collections import Counter
from collections.abc import Callable

import pytest

from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.soak import Samples, Soaked, Watch

MINUTES = 90


class FakeWorker:
    def __init__(self, resident_mb: float, started_s: float = 0.0) -> None:
        self.started_s = started_s
        self._resident_mb = resident_mb

    def resident_mb(self) -> float:
        return self._resident_mb


def steady(memory_mb: Callable[[float], float]) -> Samples:
    return Samples(steady_mb=[(minute * 60.0, memory_mb(minute)) for minute in range(MINUTES + 1)])


def warm_up(minute: float) -> float:
    return 300.0 - 150.0 * math.exp(-minute / 4.0)


def test_a_warm_up_is_no_growth() -> None:
    assert steady(warm_up).rss_growth_mb == pytest.approx(0.0, abs=0.1)


def test_a_leak_is_growth_of_a_third_of_the_time() -> None:
    assert steady(lambda minute: warm_up(minute) + 0.5 * minute).rss_growth_mb == pytest.approx(15.0, abs=0.3)


def test_what_comes_and_goes_is_no_growth() -> None:
    assert steady(lambda minute: 300.0 + (100.0 if minute % 5 < 2 else 0.0)).rss_growth_mb == 0.0


def test_the_last_of_two_hours_tells_growth_apart_from_what_the_first_one_brings() -> None:
    def watched(minutes: int, mb: Callable[[float], float]) -> Samples:
        return Samples(steady_mb=[(minute * 60.0, mb(minute)) for minute in range(minutes + 1)])

    assert watched(119, lambda minute: 400.0 + min(minute, 50.0)).growth_share_last_hour() == 0.0
    leak = watched(120, lambda minute: 400.0 + minute).growth_share_last_hour()
    assert leak == pytest.approx(45.0 / 467.0, rel=0.02)
    assert watched(90, lambda minute: 400.0).growth_share_last_hour() is None


def test_workers_that_faults_end_count_for_the_peak_only() -> None:
    samples = Samples(
        resident_mb=[(float(minute), 300.0 + minute) for minute in range(91)],
        steady_mb=[(0.0, 200.0), (45.0, 250.0), (90.0, 251.0)],
        lag=[(1.0, 5), (2.0, 9), (3.0, 7)],
    )
    figures = Soaked(1.5, 100.0, 2, Counter(zombie=2), samples, Verdict()).figures()
    assert (figures["rss_growth_mb"], figures["rss_peak_mb"]) == (1.0, 390.0)
    assert [figures[f"steady_rss_mb_{third}_third"] for third in ("first", "middle", "last")] == [200.0, 250.0, 251.0]
    assert (figures["lag_peak"], figures["lag_median"]) == (9, 7)
    assert figures["faults_done"] == {"zombie": 2}


def test_a_soak_too_short_for_thirds_has_no_growth_to_show() -> None:
    assert math.isnan(Samples().rss_growth_mb)
    assert math.isnan(Samples(steady_mb=[(5.0, 300.0)]).rss_growth_mb)


def test_the_steady_worker_is_watched_apart_from_those_that_come_and_go() -> None:
    members = [FakeWorker(310.0), FakeWorker(320.0, started_s=1e9)]
    lags = iter([7, None])
    watch = Watch(lambda: members, FakeWorker(290.0), lambda: next(lags))
    watch.look(1e9 + 10.0)
    members[:] = [FakeWorker(0.0)]
    watch.look(1e9 + 15.0)
    seen = watch.samples
    assert [mb for _, mb in seen.resident_mb] == [310.0], "one is too young, one has ended"
    assert [mb for _, mb in seen.steady_mb] == [290.0, 290.0]
    assert [count for _, count in seen.lag] == [7]
