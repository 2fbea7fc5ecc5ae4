"""Golden signals of an application: traffic, latency, errors and saturation per window of event time."""

from dataclasses import fields, replace

import numpy as np
from scipy.special import betainc, ndtr, pdtr, pdtrc

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.probability import score_of_sigma
from tracehound.detectors.windows.findings import CONCURRENCY, ERRORS, LATENCY, SIGNALS, TRAFFIC, JudgedWindows
from tracehound.detectors.windows.series import SeriesJudgement, WindowSeries
from tracehound.detectors.windows.windows import (
    BUSY_MS,
    COUNT,
    FAILED,
    LONGEST_MS,
    RANK_SUM,
    RANKED,
    SLOW,
    ClosedWindows,
    Windows,
)

LEAST_RANKED, LEAST_FAILED, LEAST_BUSY = 3, 3, 5
"""Executions that the latency, the errors and the concurrency of a window must rest on."""
LATENCY_SHIFT = 0.5
"""Rise of the mean normal score of latency from which it matters: from the 50th to the 69th percentile."""
LEAST_ERROR_SHARE = 0.002
LARGEST_SCORE = 300.0


_INTEGERS, _FLAGS = np.zeros(0, np.int64), np.zeros(0, np.bool_)
_NONE = JudgedWindows(*3 * (_INTEGERS,), *10 * (np.zeros(0),), *2 * (_FLAGS,))


class GoldenSignals:
    """Series of four signals per application and window of event time, each judged against its own past.

    - *traffic*: executions per second, up and down; the series runs on √(count + 3/8), whose noise does not depend on
      the level (Anscombe). Also improbable as a Poisson count, so that 0 where 5 are expected is no alarm.
    - *window_latency*: mean of the normal scores of the latencies, each within its own operation, so that another mix
      of operations is no change; told as the percentile it corresponds to (typically 50). Also improbable for a mean
      of so many independent normal scores.
    - *window_errors*: share that failed, on the scale arcsin √share. Also improbable as a binomial count.
    - *concurrency*: sum of the durations per second of the window, by Little's law the executions in progress, on a
      logarithmic scale. Must lie above expectation even without the longest execution: one long job is no saturation;
      and so must it where traffic is as much more than usual: that is one deviation, of traffic.

    The score is the smaller of the series' own (its past residuals, so bursts count) and that of the counting noise
    (so that a short past does not make it too sure). Only traffic deviates downwards as well. Windows with no
    execution, and those beside them, are no *drop*: a full stop is told by ``detectors.alarms.silence``. While a window
    deviates nothing is learned (gate and patience of ``detectors.windows.series``).

    The default of 30 s: at ten executions a second half of the traffic is improbable within one window, at one a
    second a tenth or three times of it. A window of 10 s has a third of the executions to tell by and three times as
    many chances of a false alarm a day, and fast faults are seen by the charts per execution anyway. Applications of
    less than one execution a second need a second instance with windows of 300 s.

    Assumes that executions are counted where they start: one of ten minutes counts its whole duration there. Fails
    below some thirty executions per window, where nothing but a large surge is improbable, on faults that grow over
    hours, which a series follows, and where traffic comes in bursts that are as large as the fault.

    Parameters: ``window_s`` and ``lateness_s`` as in ``detectors.windows.windows.Windows``; ``warm_up`` windows before
    a signal is judged; ``patience_s`` of event time after which a lasting deviation is learned; ``surge`` and ``drop``
    are the factors of the expected value from which traffic, errors and concurrency matter.

    Source: B. Beyer et al., Site Reliability Engineering, chapter 6 (2016); F. J. Anscombe, Biometrika 35 (1948);
    J. D. C. Little, Operations Research 9 (1961).

    >>> golden = GoldenSignals(window_s=10.0, warm_up=30)
    >>> golden.open(0, seed=1)
    >>> times = np.concatenate([np.arange(0.0, 900.0, 0.1), np.arange(900.0, 1000.0, 0.02)])
    >>> ones = np.ones(len(times))
    >>> judged = golden.observe(np.zeros(len(times), np.int64), times, 50 * ones, 0 * ones, 0 * ones)
    >>> finding = next(judged.findings(least_score=6.0))
    >>> finding.signal.name, finding.start_s, round(finding.actual), round(finding.expected)
    ('traffic', 900.0, 50, 10)
    """

    def __init__(
        self,
        window_s: float = 30.0,
        lateness_s: float = 5.0,
        warm_up: int = 40,
        patience_s: float = 10_800.0,
        surge: float = 2.0,
        drop: float = 0.5,
    ) -> None:
        if not surge > 1.0:
            raise ValueError(f"The 'surge' parameter of GoldenSignals must be above 1. Got {surge} instead.")
        if not 0.0 <= drop < 1.0:
            raise ValueError(f"The 'drop' parameter of GoldenSignals must be from 0 to below 1. Got {drop} instead.")
        self.window_s = window_s
        self._surge, self._drop = surge, drop
        self._patience_s = patience_s
        self._windows = Windows(window_s, lateness_s)
        self._series = tuple(
            WindowSeries(window_s, warm_up, patience_s, signal is SIGNALS[TRAFFIC]) for signal in SIGNALS
        )

    def open(self, slot: int, seed: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._windows.open(slot)
        for series in self._series:
            series.open(slot, seed)

    def observe(
        self,
        slots: Slots,
        times: Floats,
        durations_ms: Floats,
        errors: Floats,
        latency_z: Floats,
        patience_s: Floats | None = None,
        anew: Flags | None = None,
        counts: Floats | None = None,
    ) -> JudgedWindows:
        """Count executions in order; judge, then learn, the windows that they close.

        Each array is (n,): the application's slot, the event time in epoch seconds, the duration, 1 where it failed,
        and the normal score of its latency within its operation (NaN where unknown). ``patience_s`` (n,) is the
        patience with what an execution's application does at the time, where it is another than usual. Without an
        event time (NaN) it does not count; ``anew`` (n,) is True where the application's time begins anew. ``counts``
        (n,) is how many each stands for where it was sampled, and 0 where nobody knows.
        """
        closed = self._windows.add(slots, times, durations_ms, errors, latency_z, anew, counts)
        if not len(closed.row):
            return _NONE
        patience = np.full(len(slots), self._patience_s) if patience_s is None else patience_s
        traffic = self._traffic(closed, patience)
        more = np.maximum(1.0, traffic.actual / np.maximum(traffic.expected, 1.0 / self.window_s))
        others = (self._latency(closed, patience), self._errors(closed, patience), self._busy(closed, patience, more))
        return JudgedWindows.joined([traffic, *others])

    def least_expected(self, slot: int, start_s: float, end_s: float, enough: float) -> float:
        """How many executions of an application are at least usual between two times of event time; not much beyond
        ``enough``, and infinite where nothing is known of the hour.
        """
        return self._series[TRAFFIC].least_expected(slot, start_s, end_s, enough)

    def watched_s(self, slot: int) -> float:
        """For how many seconds of event time an application has been watched, window by window."""
        return self._series[TRAFFIC].learned(slot) * self.window_s

    def late(self, slot: int) -> int:
        """Executions of an application that came after their window had closed, and were left out."""
        return self._windows.late(slot)

    def left_out(self) -> int:
        """Executions of all applications, since the start, that came after their window had closed."""
        return self._windows.left_out()

    def _judge(
        self, signal: int, values: Floats, noise: Floats, closed: ClosedWindows, patience: Floats
    ) -> SeriesJudgement:
        return self._series[signal].judge_counted(closed.slot, values, closed.start_s, noise, patience[closed.row])

    def _traffic(self, closed: ClosedWindows, patience: Floats) -> JudgedWindows:
        count, each = closed.sums[:, COUNT], closed.stands_for
        judged = self._judge(TRAFFIC, np.sqrt(count + 0.375), 0.5 * np.sqrt(each), closed, patience)
        expected, low, high = (_count_of_root(values) for values in (judged.expected, judged.low, judged.high))
        mean = np.maximum(expected, 0.5 * each)
        up = judged.deviation > 0
        noise = _minus_log10(np.where(up, pdtrc(count / each - 1.0, mean / each), pdtr(count / each, expected / each)))
        surge = count >= self._surge * np.maximum(expected, each)
        low_before = _count_of_root(judged.recent) <= self._drop * expected
        drop = (count <= self._drop * expected) & (~closed.beside_gap | low_before)
        per_s = 1.0 / self.window_s
        alone = self._told(
            *(TRAFFIC, closed, judged, np.minimum(judged.score, noise)),
            figures=(expected * per_s, low * per_s, high * per_s, count * per_s),
            affected=(np.where(up | ~low_before, 1.0, 0.0), np.where(up, surge, drop)),
        )
        told = self._with_runs(alone, judged)
        return replace(told, matters=told.matters & closed.known)

    def _with_runs(self, alone: JudgedWindows, judged: SeriesJudgement) -> JudgedWindows:
        """Traffic as its windows say one after the other, where that says more than each by itself."""
        seen, usual = judged.run_seen, judged.run_expected
        score, up, count = np.abs(judged.run), judged.run > 0.0, alone.count
        lasts_s = np.maximum(self.window_s, alone.end_s - judged.run_begun)
        each = usual * self.window_s / lasts_s
        enough = np.where(up, seen >= self._surge * np.maximum(usual, 1.0), seen <= self._drop * usual)
        still = np.where(up, count >= self._surge * each, (count <= self._drop * each) & (count > 0.0))
        more = enough & still & (score > np.where(alone.matters, alone.score, 0.0))
        if not more.any():
            return alone
        missed = ~up & (_count_of_root(judged.run_before) <= self._drop * each)
        factor = usual / lasts_s / np.maximum(alone.expected, 1e-9)
        run = {
            "start_s": judged.run_begun,
            "count": seen,
            "score": score,
            "expected": usual / lasts_s,
            "low": alone.low * factor,
            "high": alone.high * factor,
            "actual": seen / lasts_s,
            "share": np.where(missed, 0.0, 1.0),
            "matters": more,
        }
        return replace(alone, **{name: np.where(more, its, getattr(alone, name)) for name, its in run.items()})

    def _latency(self, closed: ClosedWindows, patience: Floats) -> JudgedWindows:
        closed = _only(closed, closed.sums[:, RANKED] >= LEAST_RANKED * closed.stands_for)
        mean = closed.sums[:, RANK_SUM] / closed.sums[:, RANKED]
        ranked = closed.sums[:, RANKED] / closed.stands_for
        judged = self._judge(LATENCY, mean, 1.0 / np.sqrt(ranked), closed, patience)
        rise = _or_zero(mean - judged.expected)
        noise = score_of_sigma(rise * np.sqrt(ranked))
        return self._told(
            *(LATENCY, closed, judged, _upwards(judged, noise)),
            figures=(
                _percentile(judged.expected),
                _percentile(judged.low),
                _percentile(judged.high),
                _percentile(mean),
            ),
            affected=(closed.sums[:, SLOW] / closed.sums[:, RANKED], rise >= LATENCY_SHIFT),
        )

    def _errors(self, closed: ClosedWindows, patience: Floats) -> JudgedWindows:
        closed = _only(closed, closed.sums[:, COUNT] > 0)
        count, failed = closed.sums[:, COUNT] / closed.stands_for, closed.sums[:, FAILED] / closed.stands_for
        arc = np.arcsin(np.sqrt((failed + 0.375) / (count + 0.75)))
        judged = self._judge(ERRORS, arc, 0.5 / np.sqrt(count + 0.5), closed, patience)
        usual, low, high = (_share_of_arc(values, count) for values in (judged.expected, judged.low, judged.high))
        likely = np.maximum(_or_zero(usual), LEAST_ERROR_SHARE)
        noise = _minus_log10(np.where(failed > 0, betainc(np.maximum(failed, 1.0), count - failed + 1.0, likely), 1.0))
        share = failed / count
        matters = (failed >= LEAST_FAILED) & (share >= self._surge * likely)
        return self._told(
            *(ERRORS, closed, judged, _upwards(judged, noise)),
            figures=(usual, low, high, share),
            affected=(share, matters),
        )

    def _busy(self, closed: ClosedWindows, patience: Floats, more: Floats) -> JudgedWindows:
        """``more`` (k,) is how many times the usual traffic each window has, which explains as much concurrency."""
        busy = closed.sums[:, BUSY_MS] > 0
        closed, more = _only(closed, busy), more[busy]
        count, busy_ms = closed.sums[:, COUNT] / closed.stands_for, closed.sums[:, BUSY_MS]
        judged = self._judge(CONCURRENCY, np.log(busy_ms), np.sqrt(2.0 / count), closed, patience)
        to_mean = 1e-3 / self.window_s
        expected, low, high = (
            np.exp(np.minimum(values, 700.0)) * to_mean for values in (judged.expected, judged.low, judged.high)
        )
        without_longest = (busy_ms - closed.sums[:, LONGEST_MS]) * to_mean
        matters = (count >= LEAST_BUSY) & (without_longest >= self._surge * expected * more)
        return self._told(
            *(CONCURRENCY, closed, judged, _upwards(judged, judged.score)),
            figures=(expected, low, high, busy_ms * to_mean),
            affected=(np.ones(len(busy_ms)), matters),
        )

    def _told(
        self,
        signal: int,
        closed: ClosedWindows,
        judged: SeriesJudgement,
        score: Floats,
        figures: tuple[Floats, Floats, Floats, Floats],
        affected: tuple[Floats, Flags],
    ) -> JudgedWindows:
        which = np.full(len(closed.row), signal)
        window = (closed.start_s, closed.start_s + self.window_s, closed.sums[:, COUNT])
        of_row = (closed.row, closed.slot, which, *window)
        share, matters = affected
        return JudgedWindows(*of_row, score, judged.deviation, *figures, share, matters & closed.known, judged.warming)

    def snapshot(self, slot: int) -> dict[str, State]:
        """A copy of an application's complete state, with the windows in progress."""
        state = {signal.name: series.snapshot(slot) for signal, series in zip(SIGNALS, self._series, strict=True)}
        return state | {"windows": self._windows.snapshot(slot)}

    def restore(self, slot: int, state: dict[str, State]) -> None:
        """Replace an application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of golden signals.
        """
        self._windows.restore(slot, state["windows"])
        for signal, series in zip(SIGNALS, self._series, strict=True):
            series.restore(slot, state[signal.name])

    def nbytes(self) -> int:
        """Bytes that one application takes."""
        return self._windows.nbytes() + sum(series.nbytes() for series in self._series)


def _only(closed: ClosedWindows, kept: Flags) -> ClosedWindows:
    if kept.all():
        return closed
    return ClosedWindows(*(getattr(closed, field.name)[kept] for field in fields(ClosedWindows)))


def _upwards(judged: SeriesJudgement, noise: Floats) -> Floats:
    """The smaller of the series' score and the counting noise's, where the value is above expectation, else 0."""
    return np.where(judged.deviation > 0, np.minimum(judged.score, noise), 0.0)


def _minus_log10(probability: Floats) -> Floats:
    score: Floats = -np.log10(np.maximum(np.where(np.isnan(probability), 1.0, probability), 10.0**-LARGEST_SCORE))
    return score


def _or_zero(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, values)


def _percentile(z: Floats) -> Floats:
    percentile: Floats = 100.0 * ndtr(z)
    return percentile


def _count_of_root(root: Floats) -> Floats:
    count: Floats = np.maximum(np.square(np.maximum(root, 0.0)) - 0.375, 0.0)
    return count


def _share_of_arc(arc: Floats, count: Floats) -> Floats:
    sine = np.sin(np.clip(arc, 0.0, np.pi / 2))
    share: Floats = np.clip((np.square(sine) * (count + 0.75) - 0.375) / count, 0.0, 1.0)
    return share
