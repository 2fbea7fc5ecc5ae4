"""The loop of the chart: judge a value against its key's reference, then learn it or hold it back."""

from typing import Any, Final

import numpy as np
from numba import njit

from detectors.reference import deviation, insert, next_random, rank_of, replace

FAST, SLOW = 0.3, 0.1
"""Weights of a new value in the two smoothed scores: one reacts within three values, one sees small shifts."""
TO_SIGMA_FAST: Final = float(np.sqrt((2 - FAST) / FAST))
TO_SIGMA_SLOW: Final = float(np.sqrt((2 - SLOW) / SLOW))
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
REPLACE_ONE_IN = 8
CANDIDATES_LEAST = 30
"""Values that a new normal is made of at least."""


@njit(cache=True)
def _keep(ordered: Any, count: int, value: float, random: int, replace_one_in: int) -> tuple[int, int]:
    """Add a value to a reference; the new count and state of the generator."""
    random = next_random(random)
    if count < ordered.size:
        insert(ordered, count, value)
        return count + 1, random
    if (random >> 9) % replace_one_in == 0:
        replace(ordered, count, (random >> 12) % ordered.size, value)
    return count, random


@njit(cache=True)
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


@njit(cache=True)
def run_chart(
    slots: Any,
    pools: Any,
    values: Any,
    times: Any,
    learn: Any,
    accept_after: Any,
    released: Any,
    remember: bool,
    warm_up: int,
    gate: float,
    patience_s: float,
    margin: float,
    margin_share: float,
    ordered: Any,
    candidate: Any,
    counts: Any,
    candidates: Any,
    fast: Any,
    slow: Any,
    level: Any,
    deviating_since: Any,
    outlier_learned: Any,
    random: Any,
    pool_ordered: Any,
    pool_counts: Any,
    pool_random: Any,
    out_sigma: Any,
    out_tail: Any,
    out_rank: Any,
    out_level: Any,
    out_bounds: Any,
    out_learned: Any,
    out_lasting: Any,
    out_accepted: Any,
) -> None:
    """See ``detectors.chart.Chart``; arrays are its state and the fields of its judgement."""
    for i in range(slots.size):
        slot, pool = slots[i], pools[i]
        count, pool_count = counts[slot], pool_counts[pool]
        out_learned[i] = count
        if np.isnan(values[i]):
            continue
        value = np.float32(max(values[i], -1.0 + 1e-6))
        reference = ordered[slot]
        score, tail, out_rank[i] = _judge(reference, count, pool_ordered[pool], pool_count, value, margin, margin_share)
        counted = min(HIGHEST, max(LOWEST, score))
        quick = fast[slot] + FAST * (counted - fast[slot])
        steady = slow[slot] + SLOW * (counted - slow[slot])
        sigma = max(quick * TO_SIGMA_FAST, steady * TO_SIGMA_SLOW)
        recent = np.log(1.0 + value)
        if count > 0:
            recent = level[slot] + FAST * (recent - level[slot])
        if sigma >= TELLING or tail >= DEVIATING_TAIL:
            out_level[i] = np.exp(recent) - 1.0
        if count >= warm_up:
            out_sigma[i], out_tail[i] = sigma, tail
        else:
            out_sigma[i] = sigma if count >= OWN_LEAST else 0.0
        if (sigma >= gate or tail >= DEVIATING_TAIL) and count > 0:
            out_bounds[i, 0] = reference[int(0.05 * count)]
            out_bounds[i, 1] = reference[count // 2]
            out_bounds[i, 2] = reference[int(0.95 * count)]
        if not remember or not learn[i]:
            continue
        fast[slot], slow[slot], level[slot] = quick, steady, recent
        if sigma >= gate and count >= OWN_LEAST:
            if np.isnan(deviating_since[slot]):
                deviating_since[slot] = times[i]
                candidates[slot] = 0
            candidates[slot], random[slot] = _keep(candidate[slot], candidates[slot], value, random[slot], 1)
            out_lasting[i] = max(0.0, times[i] - deviating_since[slot])
            after = min(accept_after[i], patience_s) if count < PRIOR_WEIGHT else accept_after[i]
            of_release = deviating_since[slot] >= released[i]
            if out_lasting[i] > after and of_release and candidates[slot] >= CANDIDATES_LEAST:
                counts[slot] = candidates[slot]
                for j in range(candidates[slot]):
                    reference[j] = candidate[slot, j]
                fast[slot] = slow[slot] = 0.0
                deviating_since[slot] = np.nan
                out_accepted[i] = True
            continue
        deviating_since[slot] = np.nan
        if score > OUTLIER and count >= OUTLIER_FROM:
            if times[i] - outlier_learned[slot] < patience_s:
                continue
            outlier_learned[slot] = times[i]
        counts[slot], random[slot] = _keep(reference, count, value, random[slot], REPLACE_ONE_IN)
        pool_counts[pool], pool_random[pool] = _keep(
            pool_ordered[pool], pool_count, value, pool_random[pool], REPLACE_ONE_IN
        )
