"""What comes again at the same time of the day: told twice, then usual; told again where it is worse, or elsewhere."""

import numpy as np

from tracehound.detectors.bank import Flags, Floats
from tracehound.detectors.charts.chart import Chart, ChartJudgement, ChartRules
from tracehound.detectors.charts.season import BINS

DAY_S, CERTAIN = 86_400.0, 6.0
BEGINS_S, ENDS_S = 7_200.0, 9_000.0
START_S = 20_000 * DAY_S


def chart() -> Chart:
    made = Chart(ChartRules(warm_up=60, margin=10.0, margin_share=0.5))
    made.open(0, seed=1)
    made.open_pool(0, seed=1)
    return made


def day(number: int, factor: float, late_s: float = 0.0, begins_s: float = BEGINS_S) -> tuple[Floats, Floats, Flags]:
    """Times and values of a day of some 4,000, and which of them are ``factor`` times as slow."""
    random = np.random.default_rng(number)
    times = START_S + number * DAY_S + np.sort(random.uniform(0.0, DAY_S, 4_000))
    of_day = times % DAY_S
    slow = (of_day >= begins_s + late_s) & (of_day < begins_s + late_s + ENDS_S - BEGINS_S)
    values = random.lognormal(np.log(60.0), 0.35, len(times))
    return times, np.where(slow, factor, 1.0) * values, slow


def run(made: Chart, times: Floats, values: Floats, released: Floats | None = None) -> ChartJudgement:
    zeros = np.zeros(len(times), np.int64)
    return made.judge_then_learn(zeros, zeros, values, times, released=released)


def told(made: Chart, number: int, factor: float, late_s: float = 0.0, begins_s: float = BEGINS_S) -> bool:
    times, values, slow = day(number, factor, late_s, begins_s)
    return bool((run(made, times, values).sigma[slow] >= CERTAIN).any())


def test_what_comes_every_night_is_told_twice_and_then_usual_also_when_it_is_late() -> None:
    made, late_s = chart(), (0.0, 500.0, 900.0, 0.0, 700.0, 200.0, 900.0)
    assert [told(made, number, 3.0, late) for number, late in enumerate(late_s)] == [True, True, *5 * [False]]


def test_a_usual_deviation_is_told_when_it_is_worse_and_where_it_comes_at_another_hour() -> None:
    made = chart()
    for number in range(4):
        told(made, number, 3.0)
    assert told(made, 4, 9.0)
    assert told(made, 5, 3.0, begins_s=43_200.0)
    assert not told(made, 6, 3.0)


def test_the_slow_executions_of_a_usual_hour_do_not_become_usual_for_the_day() -> None:
    made = chart()
    for number in range(8):
        told(made, number, 4.0)
    low, typical, high = made.typical(0)
    assert 25.0 < low < typical < high < 130.0


def test_what_came_long_ago_is_no_longer_usual() -> None:
    made = chart()
    for number in range(4):
        told(made, number, 3.0)
    for number in range(4, 25):
        told(made, number, 1.0)
    assert told(made, 25, 3.0)


def test_one_night_is_not_two_when_executions_come_late() -> None:
    made = chart()
    times, values, slow = day(0, 3.0, begins_s=6_300.0)
    swapped = np.flatnonzero(slow)[: slow.sum() // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    order = np.arange(len(times))
    order[np.sort(swapped)] = swapped
    run(made, times[order], values[order])
    assert told(made, 1, 3.0)


def test_what_a_release_brings_is_no_season() -> None:
    made = chart()
    for number in range(3):
        times, values, _ = day(number, 3.0)
        run(made, times, values, released=np.where(times % DAY_S < ENDS_S + 60.0, times - 60.0, -np.inf))
    assert told(made, 3, 3.0)


def test_seasons_are_part_of_the_state_and_a_chart_of_0_1_0_has_none() -> None:
    made, resumed = chart(), chart()
    for number in range(3):
        told(made, number, 3.0)
    resumed.restore(0, made.snapshot(0))
    resumed.restore_pool(0, made.snapshot_pool(0))
    assert np.any(made.snapshot(0)["season"])
    assert not told(made, 3, 3.0)
    assert not told(resumed, 3, 3.0)
    assert np.array_equal(made.snapshot(0)["season"], resumed.snapshot(0)["season"])
    of_0_1_0 = {
        name: value for name, value in made.snapshot(0).items() if name not in ("season", "visit", "visit_most")
    }
    resumed.restore(0, of_0_1_0)
    assert not np.any(resumed.snapshot(0)["season"])
    assert np.shape(resumed.snapshot(0)["season"]) == (BINS, 2)
