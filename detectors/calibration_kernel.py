"""The loop of the calibration: statistics in, false-alarm probabilities out, and what each block teaches."""

from statistics import NormalDist
from typing import Any

import numpy as np
from numba import njit

USUAL_SHARE = 0.2
"""The share of fault-free blocks whose largest statistic lies above the level that excesses are counted from."""
COMBINED_SHARE = 0.05
"""The same for the combined statistic: channels are not independent, so less than Bonferroni's correction says."""
PRIOR_BLOCKS = 50.0
PRIOR_EXCESSES = 10.0
MEMORY = 0.9995
"""Weight of a block at the next one: about a week of five-minute blocks."""
ALARMED_WEIGHT = 0.02
"""How much a block with an alarm counts: a fault must not raise the limit, a detector that always alarms must."""
SCALE_LEAST, SCALE_MOST = 0.5, 3.0
"""Bounds of a channel's learned scale, in multiples of its prior."""
COMBINED_SCALE = 1.0 / np.log(10.0)
TRAFFIC_WEIGHT = 0.1
FIRST_TRAFFIC = 30.0
LIKELIEST = 0.5
"""No block alarms that is likelier than this, however large the budget."""
LONGEST_PAUSE = 12
"""Blocks: what an application that sleeps longer saves is not spent later."""
PAUSE_WEIGHT = 0.02
"""Weight of the newest distance between blocks with traffic."""
LOOKS_PER_VALUE = 0.1
"""Independent looks per value of a smoothed statistic."""
_LOG_10 = np.log(10.0)
_NORMAL_LEVEL = np.array([NormalDist().inv_cdf((1.0 - USUAL_SHARE) ** (10.0 ** (-i / 10))) for i in range(71)])
_SCORE_LEVEL = -np.log10(-np.log(1.0 - USUAL_SHARE))


@njit(cache=True)
def level_of(traffic: float, smoothed: bool) -> float:
    """What the largest of a block's statistics exceeds in ``USUAL_SHARE`` of the blocks, if they are as assumed.

    ``smoothed`` statistics are sigmas of which ten neighbours count as one look; the others are −log10 of a
    probability per value. ``traffic`` values come in a block.
    """
    if smoothed:
        return float(_NORMAL_LEVEL[max(0, min(70, int(10.0 * np.log10(max(1.0, LOOKS_PER_VALUE * traffic)))))])
    return float(_SCORE_LEVEL + np.log10(max(1.0, traffic)))


@njit(cache=True)
def limit_of(budget: float, pause: float) -> float:
    """−log10 of the probability per block that spends ``budget`` false alarms a block, if one in ``pause`` has any."""
    return float(-np.log10(min(LIKELIEST, budget * pause)))


@njit(cache=True)
def _tail(share: float, scale: float, excess: float) -> float:
    """−log10 of the probability that a block exceeds its level by ``excess``."""
    if excess <= 0.0:
        return 0.0
    return float(-np.log10(share) + excess / (scale * _LOG_10))


@njit(cache=True)
def _share(prior: float, blocks: float, exceeding: float) -> float:
    return float((prior * PRIOR_BLOCKS + exceeding) / (PRIOR_BLOCKS + blocks))


@njit(cache=True)
def _scale(prior: float, exceeding: float, excess: float) -> float:
    mean = (PRIOR_EXCESSES * prior + excess) / (PRIOR_EXCESSES + exceeding)
    return float(min(SCALE_MOST * prior, max(SCALE_LEAST * prior, mean)))


@njit(cache=True)
def _learn_block(learned: Any, level: float, largest: float, ceiling: float, weight: float) -> None:
    """``learned`` holds blocks, exceeding blocks and the sum of their excesses."""
    for i in range(3):
        learned[i] *= MEMORY
    learned[0] += weight
    excess = min(largest, ceiling) - level
    if excess > 0.0:
        learned[1] += weight
        learned[2] += weight * excess


@njit(cache=True)
def close_block(
    slot: int,
    smoothed: Any,
    priors: Any,
    ceilings: Any,
    gated: Any,
    alarmed: Any,
    largest: Any,
    asked: Any,
    traffic: Any,
    learned: Any,
    combined: Any,
    learned_combined: Any,
    combined_level: float,
) -> None:
    """Learn the block that has ended, and begin the next."""
    weight = ALARMED_WEIGHT if alarmed[slot] else 1.0
    any_asked = 0
    for j in range(priors.size):
        if asked[slot, j] > 0:
            any_asked += 1
            level = level_of(traffic[slot, j], smoothed[j])
            _learn_block(learned[slot, j], level, largest[slot, j], ceilings[j], weight if gated[j] else 1.0)
            traffic[slot, j] += TRAFFIC_WEIGHT * (asked[slot, j] - traffic[slot, j])
        largest[slot, j] = -np.inf
        asked[slot, j] = 0
    if any_asked > 0:
        _learn_block(learned_combined[slot], combined_level, combined[slot], combined_level + 3.0, weight)
    combined[slot] = 0.0
    alarmed[slot] = False


@njit(cache=True)
def run_calibration(
    slots: Any,
    statistics: Any,
    times: Any,
    remember: bool,
    block_s: float,
    budget: float,
    smoothed: Any,
    priors: Any,
    floors: Any,
    ceilings: Any,
    handicaps: Any,
    gated: Any,
    block: Any,
    alarmed: Any,
    largest: Any,
    asked: Any,
    traffic: Any,
    learned: Any,
    combined: Any,
    learned_combined: Any,
    pause: Any,
    out_score: Any,
    out_scores: Any,
    out_alarm: Any,
    out_limit: Any,
) -> None:
    """See ``detectors.calibration.Calibration``; arrays are its state and the fields of its judgement."""
    channels = priors.size
    combined_level = level_of(1.0, False)
    for i in range(slots.size):
        slot = slots[i]
        number = int(times[i] // block_s)
        if remember and number > block[slot]:
            if block[slot] >= 0:
                close_block(
                    slot,
                    smoothed,
                    priors,
                    ceilings,
                    gated,
                    alarmed,
                    largest,
                    asked,
                    traffic,
                    learned,
                    combined,
                    learned_combined,
                    combined_level,
                )
                pause[slot] += PAUSE_WEIGHT * (min(LONGEST_PAUSE, number - block[slot]) - pause[slot])
            block[slot] = number
        limit = limit_of(budget, pause[slot])
        out_limit[i] = limit
        share = _share(COMBINED_SHARE, learned_combined[slot, 0], learned_combined[slot, 1])
        scale = _scale(COMBINED_SCALE, learned_combined[slot, 1], learned_combined[slot, 2])
        for j in range(channels):
            statistic = statistics[i, j]
            if np.isnan(statistic):
                continue
            known = learned[slot, j]
            excess = statistic - level_of(traffic[slot, j], smoothed[j])
            alone = (
                _tail(_share(USUAL_SHARE, known[0], known[1]), _scale(priors[j], known[1], known[2]), excess)
                - handicaps[j]
            )
            score = _tail(share, scale, alone - combined_level)
            if statistic >= ceilings[j]:
                score = max(score, limit + (statistic - ceilings[j]) / ceilings[j])
            elif statistic < floors[j]:
                score = min(score, 0.99 * limit * max(0.0, statistic / floors[j]))
            out_scores[i, j] = score
            out_score[i] = max(out_score[i], score)
            out_alarm[i, j] = score >= limit
            if remember:
                asked[slot, j] += 1
                largest[slot, j] = max(largest[slot, j], statistic)
                if gated[j] and statistic >= floors[j]:
                    combined[slot] = max(combined[slot], alone)
                    alarmed[slot] = alarmed[slot] or score >= limit
