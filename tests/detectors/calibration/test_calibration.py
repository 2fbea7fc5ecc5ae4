"""Calibration: the budget is kept on noise that is not as assumed, and what alarms is bounded, learned and resumed."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import chi2

from tracehound.detectors.bank import Floats, Slots, State
from tracehound.detectors.calibration.calibration import BLOCK_S, DAY_S, Calibrated, Calibration, Channel
from tracehound.detectors.calibration.kernel import level_of

CHART = Channel("chart", smoothed=True, scale=0.5, floor=3.0, ceiling=12.0)
SINGLE = Channel("single", smoothed=False, scale=0.6, floor=3.0, ceiling=300.0)
BLOCKS_A_DAY = DAY_S / BLOCK_S


def calibration(channels: Sequence[Channel] = (CHART,), budget: float = 1.0) -> Calibration:
    made = Calibration(channels, budget)
    made.open(0, seed=0)
    return made


def slots(rows: int, slot: int = 0) -> Slots:
    return np.full(rows, slot, np.int64)


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(np.asarray(one[k]), np.asarray(other[k])) for k in one)


def ewma(values: Floats, weight: float) -> Floats:
    smoothed: Floats = lfilter([weight], [1.0, weight - 1.0], values) * math.sqrt((2.0 - weight) / weight)
    return smoothed


def noise(random: np.random.Generator, rows: int, autocorrelation: float) -> Floats:
    """What a chart says of normal scores that hang together: the larger of two smoothed scores, in sigma."""
    innovation = math.sqrt(1.0 - autocorrelation**2)
    scores = lfilter([innovation], [1.0, -autocorrelation], random.normal(size=rows))
    counted = np.clip(scores, -0.5, 4.0)
    return np.maximum(ewma(counted, 0.3), ewma(counted, 0.1))


def probabilities(random: np.random.Generator, rows: int) -> Floats:
    scores: Floats = -np.log10(random.random(rows))
    return scores


def blocks_with_alarm(judged: Calibrated, times: Floats, since_s: float) -> int:
    blocks = np.unique(times[judged.alarm.any(axis=1)] // BLOCK_S)
    return int((blocks >= since_s / BLOCK_S).sum())


def false_alarms(applications: int, days: float, budget: float, autocorrelation: float, step_s: float) -> int:
    """Blocks with an alarm, after two days of learning, of applications with four charts and three tails."""
    weights = (1.0, 2.0, 10.0, 3.0, 0.5, 1.0, 0.1)
    channels = [replace(CHART if number < 4 else SINGLE, floor=0.1, ceiling=1e3) for number in range(7)]
    made = Calibration([replace(one, weight=weight) for one, weight in zip(channels, weights, strict=True)], budget)
    rows = int((days + 2.0) * DAY_S / step_s)
    times, found = step_s * np.arange(rows, dtype=np.float64), 0
    for application in range(applications):
        random = np.random.default_rng([7, application])
        columns = [noise(random, rows, autocorrelation) for _ in range(4)]
        columns += [probabilities(random, rows) for _ in range(3)]
        made.open(application, seed=application)
        judged = made.judge_then_learn(slots(rows, application), np.column_stack(columns), times)
        found += blocks_with_alarm(judged, times, 2.0 * DAY_S)
    return found


@pytest.mark.parametrize(
    ("budget", "autocorrelation", "step_s"), [(10.0, 0.0, 5.0), (10.0, 0.6, 5.0), (10.0, 0.6, 30.0), (3.0, 0.3, 10.0)]
)
def test_false_alarms_are_as_many_as_the_budget_allows_on_noise_that_hangs_together(
    budget: float, autocorrelation: float, step_s: float
) -> None:
    """The 95 % Poisson interval of obtained over nominal: at most 1.5, and above a half.

    The noise is bounded, so its tail is lighter than what is assumed: the smaller the budget, the fewer alarms.
    """
    applications, days = 20, 6.0
    found, nominal = false_alarms(applications, days, budget, autocorrelation, step_s), applications * days * budget
    assert nominal >= 300
    lowest, highest = chi2.ppf(0.025, 2 * found) / 2 / nominal, chi2.ppf(0.975, 2 * found + 2) / 2 / nominal
    assert lowest > 0.5, found / nominal
    assert highest < 1.5, found / nominal


def test_noise_that_hangs_together_strongly_costs_no_more_than_the_budget() -> None:
    found, nominal = false_alarms(10, 5.0, 10.0, 0.9, 5.0), 500.0
    assert chi2.ppf(0.975, 2 * found + 2) / 2 / nominal < 1.5


def test_a_larger_budget_alarms_wherever_a_smaller_one_does() -> None:
    random = np.random.default_rng(3)
    statistics, times = noise(random, 60_000, 0.3)[:, None], 5.0 * np.arange(60_000)
    alarms = []
    for budget in (0.1, 1.0, 10.0):
        judged = calibration((replace(CHART, floor=0.1),), budget).judge(slots(len(times)), statistics)
        alarms.append(judged.alarm[:, 0])
    assert (alarms[1] | ~alarms[0]).all()
    assert (alarms[2] | ~alarms[1]).all()
    assert alarms[2].sum() > alarms[1].sum() > alarms[0].sum() > 0


def test_an_alarm_is_what_reaches_the_probability_of_the_budget() -> None:
    made = calibration((CHART, SINGLE), budget=2.0)
    random = np.random.default_rng(3)
    statistics = np.column_stack([noise(random, 20_000, 0.3), 3.0 * probabilities(random, 20_000)])
    judged = made.judge(slots(20_000), statistics)
    limit = -math.log10(2.0 / BLOCKS_A_DAY)
    assert np.array_equal(judged.alarm, judged.scores >= limit - 1e-12)
    assert np.array_equal(judged.score, judged.scores.max(axis=1))
    assert judged.alarm.any()
    assert not judged.alarm.all()


@pytest.mark.parametrize("smoothed", [True, False])
def test_the_usual_level_is_what_a_fifth_of_the_blocks_exceed_whatever_the_traffic(smoothed: bool) -> None:
    random = np.random.default_rng(5)
    for traffic in (100, 1_000):
        looks = max(1, traffic // 10) if smoothed else traffic
        largest = (
            random.normal(size=(4_000, looks)).max(axis=1)
            if smoothed
            else probabilities(random, 4_000 * looks).reshape(4_000, looks).max(axis=1)
        )
        assert (largest > level_of(float(traffic), smoothed)).mean() == pytest.approx(0.2, abs=0.04)
    levels = [level_of(traffic, smoothed) for traffic in (1.0, 30.0, 1e3, 1e6, 1e9)]
    assert levels == sorted(levels)


def test_a_busy_application_needs_more_to_alarm_than_one_that_rests() -> None:
    busy, resting = calibration((SINGLE,)), calibration((SINGLE,))
    for made, step_s in ((busy, 0.05), (resting, 60.0)):
        times = np.arange(0.0, 60 * BLOCK_S, step_s)
        made.judge_then_learn(slots(len(times)), np.full((len(times), 1), 0.3), times)
    value = np.array([[6.0]])
    assert resting.judge(slots(1), value).score[0] > busy.judge(slots(1), value).score[0] + 2


def test_below_the_floor_nothing_alarms_and_from_the_ceiling_on_everything_does() -> None:
    narrow = Channel("chart", smoothed=True, scale=0.05, floor=4.0, ceiling=6.0)
    made = calibration((narrow,))
    restless = calibration((replace(narrow, scale=5.0),))
    assert made.judge(slots(3), np.array([[3.9], [4.0], [6.0]])).alarm[:, 0].tolist() == [False, True, True]
    assert restless.judge(slots(2), np.array([[5.9], [6.0]])).alarm[:, 0].tolist() == [False, True]


def test_a_weight_is_a_share_of_the_budget() -> None:
    channels = (replace(CHART, weight=9.0), replace(CHART, name="other", weight=1.0))
    scores = calibration(channels).judge(slots(1), np.full((1, 2), 6.0)).scores[0]
    alone = calibration().judge(slots(1), np.full((1, 1), 6.0)).scores[0, 0]
    assert scores[0] - scores[1] == pytest.approx(math.log10(9.0), abs=1e-6)
    assert scores[1] < scores[0] < alone


def test_missing_statistics_say_nothing_and_are_not_counted() -> None:
    made = calibration((CHART, SINGLE))
    judged = made.judge_then_learn(slots(100), np.full((100, 2), np.nan), np.arange(100.0))
    assert not judged.score.any()
    assert not judged.alarm.any()
    asked = made.snapshot(0)["asked"]
    assert isinstance(asked, np.ndarray)
    assert asked.tolist() == [0, 0]


def after_hours(hours: float, level: float, channel: Channel) -> Calibration:
    """A calibration that has learned blocks of quiet noise with one larger value at ``level`` in each."""
    made = calibration((channel,))
    random = np.random.default_rng(1)
    times = np.arange(0.0, hours * 3_600.0, 30.0)
    values = random.normal(0.0, 0.2, size=len(times))
    values[::10] = level + random.exponential(0.5, size=len(values[::10]))
    made.judge_then_learn(slots(len(times)), values[:, None], times)
    return made


def test_a_restless_application_gets_a_higher_limit_and_a_quiet_one_a_lower_one() -> None:
    value = np.array([[5.0]])
    channel = replace(CHART, floor=0.1, ceiling=50.0)
    fresh = calibration((channel,)).judge(slots(1), value).score[0]
    restless = after_hours(72.0, 2.5, channel).judge(slots(1), value).score[0]
    quiet = after_hours(72.0, -3.0, channel).judge(slots(1), value).score[0]
    assert restless < fresh - 0.5
    assert quiet > fresh + 0.5


def test_a_fault_of_two_hours_hardly_raises_the_limit_unless_the_channel_is_not_gated() -> None:
    score = {}
    for gated in (True, False):
        made = after_hours(2.0, 9.0, replace(CHART, floor=0.1, ceiling=50.0, gated=gated))
        judged = made.judge(slots(1), np.array([[9.0]]))
        score[gated] = judged.score[0]
        assert judged.alarm[0, 0] or not gated
    assert score[True] > score[False] + 1.0


def story(rows: int = 6_000, channels: int = 2) -> tuple[Floats, Floats]:
    random = np.random.default_rng(11)
    statistics = np.column_stack(
        [noise(random, rows, 0.5)] + [probabilities(random, rows) for _ in range(channels - 1)]
    )
    statistics[3_000:3_100, 0] += 8.0
    statistics[::7, 1] = np.nan
    return statistics, 10.0 * np.arange(rows, dtype=np.float64)


@pytest.mark.parametrize("size", [1, 97])
def test_a_batch_is_the_same_as_smaller_ones_whoever_else_is_in_it(size: int) -> None:
    statistics, times = story()
    alone, among = calibration((CHART, SINGLE)), calibration((CHART, SINGLE))
    among.open(1, seed=1)
    expected = alone.judge_then_learn(slots(len(times)), statistics, times)
    assert expected.alarm.any()
    found = []
    for first in range(0, len(times), size):
        some = slice(first, first + size)
        n = len(times[some])
        both = np.repeat(statistics[some], 2, axis=0) * np.tile([1.0, 5.0], n)[:, None]
        found.append(among.judge_then_learn(np.tile([0, 1], n), both, np.repeat(times[some], 2)))
    for name in ("score", "scores", "alarm"):
        assert np.array_equal(np.concatenate([getattr(part, name)[::2] for part in found]), getattr(expected, name))
    assert same(alone.snapshot(0), among.snapshot(0))


@pytest.mark.parametrize("cut", [0, 1, 3_050, 5_000])
def test_a_snapshot_resumes_in_the_middle_of_a_block(cut: int) -> None:
    statistics, times = story()
    whole, resumed = calibration((CHART, SINGLE)), calibration((CHART, SINGLE))
    whole.judge_then_learn(slots(cut), statistics[:cut], times[:cut])
    resumed.open(5, seed=3)
    resumed.restore(5, whole.snapshot(0))
    left = len(times) - cut
    went_on = whole.judge_then_learn(slots(left), statistics[cut:], times[cut:])
    came_back = resumed.judge_then_learn(slots(left, 5), statistics[cut:], times[cut:])
    assert np.array_equal(went_on.scores, came_back.scores)
    assert np.array_equal(went_on.alarm, came_back.alarm)
    assert same(whole.snapshot(0), resumed.snapshot(5))


def test_judging_changes_nothing() -> None:
    statistics, times = story()
    made = calibration((CHART, SINGLE))
    made.judge_then_learn(slots(1_000), statistics[:1_000], times[:1_000])
    before = made.snapshot(0)
    made.judge(slots(len(times)), statistics)
    assert same(before, made.snapshot(0))


def test_late_executions_count_for_the_block_that_is_open() -> None:
    made = calibration()
    made.judge_then_learn(slots(1), np.zeros((1, 1)), np.array([3_000.0]))
    made.judge_then_learn(slots(5), np.ones((5, 1)), np.full(5, 100.0))
    state: dict[str, Any] = made.snapshot(0)
    assert state["block"] == 10
    assert state["asked"].tolist() == [6]


def test_what_is_learned_stays_bounded() -> None:
    made = calibration((replace(CHART, floor=0.1),))
    times = BLOCK_S * np.arange(30_000.0)
    made.judge_then_learn(slots(len(times)), np.full((len(times), 1), 1e9), times)
    state: dict[str, Any] = made.snapshot(0)
    assert np.isfinite(state["learned"]).all()
    assert state["learned"].max() < 1e6
    assert made.nbytes() < 1_024


def test_a_state_of_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"float64 \(1,\)"):
        calibration().restore(0, calibration((CHART, SINGLE)).snapshot(0))
    with pytest.raises(KeyError):
        calibration().restore(0, {})


@pytest.mark.parametrize(
    "wrong", [{"scale": 0.0}, {"weight": 0.0}, {"floor": 0.0}, {"floor": 9.0, "ceiling": 8.0}, {"scale": float("nan")}]
)
def test_a_channel_with_impossible_numbers_is_refused(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"scale": 0.5, "floor": 4.0, "ceiling": 8.0, "weight": 1.0}
    with pytest.raises(ValueError, match=r"The channel 'latency' must have .* Got scale"):
        Channel("latency", smoothed=True, **{**right, **wrong})


def test_what_others_do_not_spend_is_not_for_an_exact_channel() -> None:
    """Alone in its application it keeps to its part of the budget, and at most half as much again."""
    quiet = replace(CHART, weight=9.0)
    for exact in (False, True):
        made = calibration((quiet, replace(SINGLE, floor=0.1, ceiling=1e3, weight=1.0, scale=0.5, exact=exact)), 10.0)
        statistics = np.full((400_000, 2), np.nan)
        statistics[:, 1] = probabilities(np.random.default_rng(8), len(statistics))
        times = 5.0 * np.arange(len(statistics), dtype=np.float64)
        judged = made.judge_then_learn(slots(len(times)), statistics, times)
        days = times[-1] / DAY_S - 2.0
        found = blocks_with_alarm(judged, times, 2.0 * DAY_S)
        its_part = 0.1 * 10.0 * days
        assert bool(chi2.ppf(0.025, 2 * found) / 2 < 1.5 * its_part) is exact, found / its_part
