"""Windows in a row: what no window shows by itself is told within minutes, and what comes again and again is not."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.windows.findings import SIGNALS, TRAFFIC, JudgedWindows
from tracehound.detectors.windows.golden_signals import GoldenSignals
from tracehound.detectors.windows.series import WindowSeries
from tracehound.detectors.windows.series_runs import mean_of

STEP_S, DAY_S = 30.0, 86_400.0
TOLD = 4.0
"""−log10 of the probability from which traffic is told, about, once an application is known."""


def executions(per_window: Floats, seed: int, start_s: float = 0.0) -> Floats:
    """Times of a Poisson process with so many executions in each window."""
    random = np.random.default_rng(seed)
    counts = random.poisson(per_window)
    starts = np.repeat(start_s + STEP_S * np.arange(len(counts)), counts)
    times: Floats = np.sort(starts + random.uniform(0.0, STEP_S, counts.sum()))
    return times


def observe(golden: GoldenSignals, times: Floats) -> JudgedWindows:
    rows, zeros = np.zeros(len(times), np.int64), np.zeros(len(times))
    return golden.observe(rows, times, zeros + 20.0, zeros, zeros * np.nan)


def told(judged: JudgedWindows) -> list[float]:
    findings = judged.findings(TOLD)
    return [finding.end_s for finding in findings if finding.signal is SIGNALS[TRAFFIC]]


@pytest.mark.parametrize(
    ("per_window", "factor", "within_s"), [(15.0, 0.3, 240.0), (6.0, 3.0, 150.0), (60.0, 0.4, 90.0)]
)
def test_what_no_window_shows_by_itself_is_told_within_minutes(
    per_window: float, factor: float, within_s: float
) -> None:
    for seed in range(5):
        golden = GoldenSignals()
        golden.open(0, 1)
        observe(golden, executions(np.full(5 * 2_880, per_window), seed))
        faulty = observe(golden, executions(np.full(60, factor * per_window), 100 + seed, 5 * DAY_S))
        first = told(faulty)[0] - 5 * DAY_S
        assert first <= within_s, (seed, first)
        finding = next(one for one in faulty.findings(TOLD) if one.signal is SIGNALS[TRAFFIC])
        assert finding.actual == pytest.approx(finding.count / (finding.end_s - finding.start_s))
        assert finding.expected == pytest.approx(per_window / STEP_S, rel=0.3)


@pytest.mark.parametrize("per_window", [0.2, 2.0, 15.0])
def test_two_weeks_of_independent_executions_are_told_hardly_ever(per_window: float) -> None:
    found = 0
    for seed in range(5):
        golden = GoldenSignals()
        golden.open(0, 1)
        found += len(told(observe(golden, executions(np.full(14 * 2_880, per_window), seed))))
    assert found <= 0.5 * 10.0**-TOLD * 5 * 14 * 2_880  # each by itself is independent, and those in a row are not


def test_bursts_that_come_again_and_again_are_soon_no_surprise() -> None:
    """Some minutes, every three hours or so, are nearly a certain surge on the second day, and usual from the sixth."""
    random = np.random.default_rng(3)
    rates = np.full(10 * 2_880, 0.3)
    for begin in np.cumsum(random.uniform(200, 500, 80)).astype(int):
        rates[begin : begin + random.integers(6, 20)] = 20.0
    series = WindowSeries(STEP_S, 40, counts=True)
    series.open(0, 1)
    counts = np.random.default_rng(4).poisson(rates)
    rows, times, noise = (
        np.zeros(len(rates), np.int64),
        STEP_S * np.arange(len(rates), dtype=np.float64),
        np.full(len(rates), 0.5),
    )
    run = series.judge_counted(rows, np.sqrt(counts + 0.375), times, noise).run
    assert run[2_880:5_760].max() > 6.0
    assert run[6 * 2_880 :].max() < 4.0


def test_a_full_stop_is_left_to_silence() -> None:
    golden = GoldenSignals()
    golden.open(0, 1)
    observe(golden, executions(np.full(4 * 2_880, 15.0), 1))
    assert not told(observe(golden, executions(np.full(20, 15.0), 2, 4 * DAY_S + 180.0)))


def test_roots_of_few_tell_how_many_there_were() -> None:
    random = np.random.default_rng(0)
    for mean in (0.1, 0.3, 1.0, 4.0, 40.0):
        assert mean_of(float(np.sqrt(random.poisson(mean, 200_000) + 0.375).mean())) == pytest.approx(mean, rel=0.05)
