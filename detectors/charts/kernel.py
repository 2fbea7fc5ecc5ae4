"""The loop of the chart: judge a value against its key's reference, then learn it or hold it back."""

from statistics import NormalDist
from typing import Any, Final

import numpy as np

from tracehound.detectors.charts.season import BIN_S, BINS, DAYS, MOST, note, settle, usual_then
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.growing_rows import NO_ROW, copied_row, give_row_back, larger_row, room_for, row_at
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.reference import RANDOM_MOST, deviation, insert, next_random, rank_of, replace
from tracehound.detectors.packed.rests import GAPS, STORED_GAPS, note_gap, outlived
from tracehound.detectors.packed.stored_numbers import EARLIEST_S, LATEST_S, moment, numbers, real, whole

FAST, SLOW = 0.3, 0.1
"""Weights of a new value in the two smoothed scores: one reacts within three values, one sees small shifts."""
TO_SIGMA_FAST: Final = float(np.sqrt((2 - FAST) / FAST))
TO_SIGMA_SLOW: Final = float(np.sqrt((2 - SLOW) / SLOW))
CONFIRMED: Final = 0.5
"""Share of the steady average that the quick one has while a deviation goes on: the steady one outlives it."""
EVIDENT: Final = NormalDist().inv_cdf(0.95)
"""Normal score, less the margin, from which a value shows a deviation itself: beyond the usual range."""
LOWEST, HIGHEST = -0.5, 4.0
"""A normal score counts within these limits: one value cannot make an alarm, nor a good one hide a bad one."""
OWN_LEAST = 10
"""Values of its own from which a key is judged by them."""
PRIOR_LIMIT = 2.0
"""The highest normal score of a key that is judged by its prior alone."""
PRIOR_WEIGHT = 100.0
"""Values of its own at which a key no longer looks at its prior."""
PRIOR_SHIFT = 1.5
"""By how much, in normal scores, the prior may move what a key's own few values say."""
PRIOR_ASKED = 1.0
"""Normal score by its own few values from which a key's prior may raise it: a key that is usually slow is no fault."""
POOL_LEAST = 60
OUTLIER = 3.0
OUTLIER_FROM = 20
"""Normal score, and values of its own, from which a value is learned at most once per patience."""
DEVIATING_TAIL = 2.0
"""−log10 of the probability of a single value from which its judgement carries bounds."""
TELLING = 3.0
"""Sigma from which a judgement carries the recent level: no smaller one can be told."""
LARGEST_DEVIATION = 56.0
"""The logarithm of the largest value over the least."""
LEAST_VALUE, LARGEST_VALUE = -1.0 + 1e-6, 1e18
"""Values beyond these count as these: logarithms and sums of squares stay finite in single precision."""
REPLACE_ONE_IN = 8
REFERENCE, CANDIDATES = 500, 128
"""Values kept of a key, or of a pool, and of a deviation that lasts."""
CANDIDATES_LEAST = 30
"""Values that a new normal is made of at least."""
YOUNG = 100
"""Values of its own below which a key learns an outlier only once the next value is none: the first ones of a fault
would be a good part of what it knows, and hide the rest of it."""
SEASON_ASKED = 0.5
"""Normal score from which it is asked whether a value is as it usually is at this time of the day."""

KEY: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "count": (np.int32, ()),
    "candidates": (np.int32, ()),
    "ordered": (np.int32, ()),
    "candidate": (np.int32, ()),
    "fast": (np.float64, ()),
    "slow": (np.float64, ()),
    "level": (np.float64, ()),
    "deviating_since": (np.float64, ()),
    "outlier_learned": (np.float64, ()),
    "waiting": (np.float64, ()),
    "random": (np.int64, ()),
    **{name: (dtype, ()) for name, dtype in GAPS.items()},
    "visit": (np.int64, ()),
    "visit_most": (np.float64, ()),
    "season": (np.uint8, (BINS, DAYS)),
}
"""The layout of a key's state. ``ordered`` and ``candidate`` are places of rows (``detectors.packed.growing_rows``) of
``count`` and ``candidates`` values. ``waiting`` is an outlier of a young key (``YOUNG``), NaN without one. ``visit`` to
``season`` are of ``detectors.charts.season``: the half-hour of the newest deviation (since the epoch), its size so far,
and what is usual; those of ``GAPS`` are of ``detectors.packed.rests``."""
POOL: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "count": (np.int32, ()),
    "random": (np.int64, ()),
    "ordered": (np.int32, ()),
    "shared": (np.bool_, ()),
}
"""The layout of a pool's state. ``ordered`` is as in ``KEY``, and ``shared`` where that row is the prior that pools
begin with, which each copies before it changes it."""
STORED_KEY: Final = {
    "count": whole(0, REFERENCE),
    "candidates": whole(0, CANDIDATES),
    "fast": real(LOWEST, HIGHEST),
    "slow": real(LOWEST, HIGHEST),
    "level": real(-14.0, 42.0),  # the logarithms of both limits of values
    "deviating_since": moment(missing=True),
    "outlier_learned": moment(never=True),
    "waiting": real(LEAST_VALUE, LARGEST_VALUE, missing=True),
    "random": whole(0, RANDOM_MOST),
    "ordered": numbers(np.float32, ("count",), LEAST_VALUE, LARGEST_VALUE, ascending=True),
    "candidate": numbers(np.float32, ("candidates",), LEAST_VALUE, LARGEST_VALUE, ascending=True),
    "visit": whole(int(EARLIEST_S // BIN_S), int(LATEST_S // BIN_S)),
    "visit_most": real(0.0, LARGEST_DEVIATION),
    "season": numbers(np.uint8, (BINS, DAYS), 0, MOST),
    **STORED_GAPS,
}
STORED_POOL: Final = {
    "count": whole(0, REFERENCE),
    "random": whole(0, RANDOM_MOST),
    "ordered": numbers(np.float32, ("count",), LEAST_VALUE, LARGEST_VALUE, ascending=True),
}
RULES: Final = np.dtype(
    [
        ("warm_up", np.int64),
        *((name, np.float64) for name in ("gate_sigma", "patience_s", "margin", "margin_share")),
    ]
)
ROWS_PER_VALUE: Final = 6
"""Rows that one value may lead to: of its key and its pool, for one that waited too, of what is held back, and the
pool's own copy of the prior."""
ROW: Final = np.dtype(
    [
        *((name, np.float64) for name in ("sigma", "tail", "rank", "level")),
        ("bounds", np.float64, (3,)),
        *(("learned", np.int64), ("lasting", np.float64), ("accepted", np.bool_), ("evident", np.bool_)),
        *(("seasonal", np.bool_), ("outlived", np.bool_)),
    ],
    align=True,
)
"""What is said about one value: the fields of ``detectors.charts.chart.ChartJudgement``."""


@njit(**LEAN)
def _keep(
    memory: Any, place: int, count: int, value: float, random: int, most: int, replace_one_in: int
) -> tuple[int, int, int]:
    """Add a value to a row of at most so many; its place, its count and the state of the generator from now on."""
    random = next_random(random)
    if count < most:
        if count == room_for(count):
            place = larger_row(memory, place, count)
        insert(row_at(memory, place, count + 1), count, value)
        return place, count + 1, random
    if (random >> 9) % replace_one_in == 0:
        replace(row_at(memory, place, count), count, (random >> 12) % most, value)
    return place, count, random


@njit(**LEAN)
def _judge(
    own: Any, count: int, pool: Any, pool_count: int, value: float, margin: float, margin_share: float
) -> tuple[float, float, float]:
    """Normal score, tail score and own rank of a value by the key's reference, its prior, or both while it has few."""
    score, tail, rank = 0.0, 0.0, 0.5
    if count >= OWN_LEAST:
        rank = rank_of(own, count, value)
        score, tail = deviation(own, count, value, rank, margin, margin_share)
        if count < PRIOR_WEIGHT and pool_count >= POOL_LEAST:
            of_pool = rank_of(pool, pool_count, value)
            prior, prior_tail = deviation(pool, pool_count, value, of_pool, margin, margin_share)
            shift = min(PRIOR_SHIFT, max(-PRIOR_SHIFT, prior - score))
            if shift < 0.0 or score >= PRIOR_ASKED:
                score += (1.0 - count / PRIOR_WEIGHT) * shift
            tail = min(tail, prior_tail)
    elif pool_count >= POOL_LEAST:
        of_pool = rank_of(pool, pool_count, value)
        score, _ = deviation(pool, pool_count, value, of_pool, margin, margin_share)
        score = min(score, PRIOR_LIMIT)
    return score, tail, rank


@njit(**LEAN)
def run_chart(
    slots: Any,
    pools: Any,
    values: Any,
    times: Any,
    learn: Any,
    accept_after: Any,
    released: Any,
    early: Any,
    rules: Any,
    state: Any,
    said: Any,
) -> None:
    """See ``detectors.charts.chart.Chart``: a record of ``RULES``, and of ``ROW`` per row.

    ``state`` are records of ``KEY`` per slot and of ``POOL`` per pool, and the memory of their rows, with
    ``ROWS_PER_VALUE`` reserved for each row of ``said``.
    """
    rules, (all_keys, all_pools, memory) = rules[0], state
    warm_up, gate, margin, margin_share = rules.warm_up, rules.gate_sigma, rules.margin, rules.margin_share
    for i in range(slots.size):
        key, pool, row = all_keys[slots[i]], all_pools[pools[i]], said[i]
        count, pool_count = key.count, pool.count
        row.learned = count
        if np.isnan(values[i]):
            continue
        value = np.float32(min(max(values[i], LEAST_VALUE), LARGEST_VALUE))
        own, others = row_at(memory, key.ordered, count), row_at(memory, pool.ordered, pool_count)
        score, tail, row.rank = _judge(own, count, others, pool_count, value, margin, margin_share)
        plain, factor = score, 1.0
        usual = usual_then(key.season, times[i])
        row.seasonal = usual > 0.0
        if score >= SEASON_ASKED and row.seasonal:
            factor = np.exp(usual)
            less = np.float32((1.0 + value) / factor - 1.0)
            then, tail_then, _ = _judge(own, count, others, pool_count, less, margin, margin_share)
            score, tail = min(score, then), min(tail, tail_then)
        counted = min(HIGHEST, max(LOWEST, score))
        quick = key.fast + FAST * (counted - key.fast)
        steady = key.slow + SLOW * (counted - key.slow)
        sigma = max(quick * TO_SIGMA_FAST, steady * TO_SIGMA_SLOW)
        row.evident = score >= EVIDENT and quick >= CONFIRMED * steady
        recent = np.log(1.0 + value)
        if count > 0:
            recent = key.level + FAST * (recent - key.level)
        if sigma >= TELLING or tail >= DEVIATING_TAIL:
            row.level = np.exp(recent) - 1.0
        if count >= warm_up:
            row.tail = tail
        if count >= OWN_LEAST:
            row.sigma = sigma
            row.outlived = sigma >= gate and outlived(key, times[i], early[i], score >= EVIDENT)
        if (sigma >= gate or tail >= DEVIATING_TAIL) and count > 0:
            row.bounds[0] = own[int(0.05 * count)]
            row.bounds[1] = own[count // 2]
            row.bounds[2] = own[int(0.95 * count)]
            for k in range(3):
                row.bounds[k] = (1.0 + row.bounds[k]) * factor - 1.0
        if not learn[i]:
            continue
        key.fast, key.slow, key.level = quick, steady, recent
        if key.visit_most > 0.0:
            settle(key, times[i])
        deviates = sigma >= gate and count >= OWN_LEAST
        note_gap(key, times[i], deviates, score >= EVIDENT)
        if plain >= EVIDENT and (deviates or row.seasonal) and released[i] == -np.inf:
            note(key, times[i], recent - np.log(1.0 + own[count // 2]))
        if deviates:
            key.waiting = np.nan
            _hold_back(key, memory, value, times[i], accept_after[i], released[i], rules.patience_s, row)
            continue
        key.deviating_since = np.nan
        if row.seasonal and plain >= EVIDENT:
            continue
        if score > OUTLIER and count >= OUTLIER_FROM:
            if times[i] - key.outlier_learned < rules.patience_s:
                continue
            key.outlier_learned = times[i]
        if score > OUTLIER and OWN_LEAST <= count < YOUNG:
            key.waiting = value
            continue
        if not np.isnan(key.waiting):
            waited = np.float32(key.waiting)
            _learn(key, memory, waited)
            _learn_of_all(pool, memory, waited)
            key.waiting = np.nan
        _learn(key, memory, value)
        _learn_of_all(pool, memory, value)


@njit(**LEAN)
def _learn_of_all(pool: Any, memory: Any, value: float) -> None:
    """Let a pool learn a value; the prior that it shares stays as it is."""
    if pool.shared:
        pool.ordered, pool.shared = copied_row(memory, pool.ordered, pool.count, pool.count), False
    _learn(pool, memory, value)


@njit(**LEAN)
def _learn(one: Any, memory: Any, value: float) -> None:
    """Let a key, or a pool, learn a value."""
    one.ordered, one.count, one.random = _keep(
        memory, one.ordered, one.count, value, one.random, REFERENCE, REPLACE_ONE_IN
    )


@njit(**LEAN)
def _hold_back(
    key: Any, memory: Any, value: float, time: float, accept_after: float, released: float, patience_s: float, row: Any
) -> None:
    """Keep the value of a deviation apart; once that has lasted, what was kept apart is the new normal."""
    if np.isnan(key.deviating_since):
        key.deviating_since = time
        give_row_back(memory, key.candidate, room_for(key.candidates))
        key.candidate, key.candidates = NO_ROW, 0
    key.candidate, key.candidates, key.random = _keep(
        memory, key.candidate, key.candidates, value, key.random, CANDIDATES, 1
    )
    row.lasting = max(0.0, time - key.deviating_since)
    after = patience_s if key.count < PRIOR_WEIGHT and accept_after > patience_s else accept_after
    if row.lasting > after and key.deviating_since >= released and key.candidates >= CANDIDATES_LEAST:
        give_row_back(memory, key.ordered, room_for(key.count))
        key.count = key.candidates
        key.ordered = copied_row(memory, key.candidate, key.count, key.count)
        key.fast = key.slow = 0.0
        key.deviating_since = np.nan
        row.accepted = True
