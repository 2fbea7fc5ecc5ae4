"""The loop of the calibration: statistics in, false-alarm probabilities out, and what each block teaches."""

from statistics import NormalDist
from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit

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
"""Bounds of a channel's learned scale, in multiples of its prior; an exact one's is not below what it says itself."""
COMBINED_SCALE = 1.0 / np.log(10.0)
TOLERATED = float(np.log10(1.5))
"""By how much an exact channel may exceed its own part of the budget, as a power of ten."""
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
CHANNEL: Final = np.dtype(
    [
        *(("smoothed", np.bool_), ("gated", np.bool_), ("exact", np.bool_)),
        *((name, np.float64) for name in ("scale", "least", "floor", "ceiling", "handicap")),
    ],
    align=True,
)
"""What is fixed of a channel."""
OF_CHANNEL: Final = np.dtype(
    [
        *(("largest", np.float64), ("asked", np.int64), ("traffic", np.float64), ("learned", np.float64, (3,))),
        ("level", np.float64),  # it follows from the traffic, and is kept because it costs a logarithm
    ],
    align=True,
)
"""What is known of an application's channel."""
APPLICATION: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "block": (np.int64, ()),
    "alarmed": (np.bool_, ()),
    "combined": (np.float64, ()),
    "learned_combined": (np.float64, (3,)),
    "pause": (np.float64, ()),
}
"""What is known of an application."""
RULES: Final = np.dtype([("block_s", np.float64), ("budget", np.float64)])
"""How long a block is, and how many false alarms it may have."""
ROW: Final = np.dtype([("score", np.float64), ("limit", np.float64)])
"""What all channels say about one row: see ``detectors.calibration.calibration.Calibrated``."""
_LOG_10 = np.log(10.0)
_NORMAL_LEVEL = np.array([NormalDist().inv_cdf((1.0 - USUAL_SHARE) ** (10.0 ** (-i / 10))) for i in range(71)])
_SCORE_LEVEL = -np.log10(-np.log(1.0 - USUAL_SHARE))


def least_scale(prior: float, exact: bool) -> float:
    """The least that a channel's scale may be learned to be."""
    return max(SCALE_LEAST * prior, 1.0 / _LOG_10 if exact else 0.0)


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
def _scale(prior: float, least: float, exceeding: float, excess: float) -> float:
    mean = (PRIOR_EXCESSES * prior + excess) / (PRIOR_EXCESSES + exceeding)
    return float(min(SCALE_MOST * prior, max(least, mean)))


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
def close_block(application: Any, of_channels: Any, channels: Any, combined_level: float) -> None:
    """Learn the block that has ended, and begin the next."""
    weight = ALARMED_WEIGHT if application.alarmed else 1.0
    any_asked = 0
    for j in range(channels.size):
        channel, known = channels[j], of_channels[j]
        if known.asked > 0:
            any_asked += 1
            _learn_block(known.learned, known.level, known.largest, channel.ceiling, weight if channel.gated else 1.0)
            known.traffic += TRAFFIC_WEIGHT * (known.asked - known.traffic)
            known.level = level_of(known.traffic, channel.smoothed)
        known.largest = -np.inf
        known.asked = 0
    if any_asked > 0:
        _learn_block(application.learned_combined, combined_level, application.combined, combined_level + 3.0, weight)
    application.combined = 0.0
    application.alarmed = False


@njit(cache=True)
def find_levels(of_channels: Any, channels: Any) -> None:
    """Set the level of each channel of an application from its traffic, of which the level is made."""
    for j in range(channels.size):
        of_channels[j].level = level_of(of_channels[j].traffic, channels[j].smoothed)


@njit(cache=True)
def _score_alone(channel: Any, known: Any, statistic: float) -> float:
    """−log10 of the probability of a channel's statistic, each channel with its part of the budget."""
    excess = statistic - known.level
    if excess <= 0.0:
        return float(-channel.handicap)
    share = _share(USUAL_SHARE, known.learned[0], known.learned[1])
    return float(
        _tail(share, _scale(channel.scale, channel.least, known.learned[1], known.learned[2]), excess)
        - channel.handicap
    )


@njit(cache=True)
def _score_together(application: Any, alone: float, combined_level: float) -> float:
    """−log10 of the probability that any channel says as much."""
    excess = alone - combined_level
    if excess <= 0.0:
        return 0.0
    learned = application.learned_combined
    share = _share(COMBINED_SHARE, learned[0], learned[1])
    return float(_tail(share, _scale(COMBINED_SCALE, SCALE_LEAST * COMBINED_SCALE, learned[1], learned[2]), excess))


@njit(cache=True)
def run_calibration(
    slots: Any,
    statistics: Any,
    lasting: Any,
    times: Any,
    remember: bool,
    rules: Any,
    channels: Any,
    all_applications: Any,
    all_channels: Any,
    said: Any,
    scores: Any,
    alarm: Any,
) -> None:
    """See ``detectors.calibration.calibration.Calibration``; ``RULES``, a record of ``CHANNEL`` per channel, of
    ``APPLICATION`` and of ``OF_CHANNEL`` per application (and channel), of ``ROW`` per row."""
    rules, combined_level = rules[0], level_of(1.0, False)
    for i in range(slots.size):
        application, of_channels = all_applications[slots[i]], all_channels[slots[i]]
        number = int(times[i] // rules.block_s)
        if remember and number > application.block:
            if application.block >= 0:
                close_block(application, of_channels, channels, combined_level)
                pause = min(LONGEST_PAUSE, number - application.block)
                application.pause += PAUSE_WEIGHT * (pause - application.pause)
            application.block = number
        limit, largest = limit_of(rules.budget, application.pause), 0.0
        for j in range(channels.size):
            statistic = statistics[i, j]
            if np.isnan(statistic):
                continue
            channel, known = channels[j], of_channels[j]
            alone = _score_alone(channel, known, statistic)
            score = _score_together(application, alone, combined_level)
            if channel.exact:  # that any channel says as much is no less likely than that this one does
                score = min(score, max(0.0, alone + channel.handicap))
                if alone + TOLERATED < limit:  # what others do not spend of the budget is not for this one
                    score = min(score, max(0.0, alone + TOLERATED))
            if statistic >= channel.ceiling:
                score = max(score, limit + (statistic - channel.ceiling) / channel.ceiling)
            elif statistic < channel.floor:
                score = min(score, 0.99 * limit * max(0.0, statistic / channel.floor))
            scores[i, j], alarm[i, j] = score, score >= limit
            largest = max(largest, score)
            if remember:
                known.asked += 1
                if lasting.size and lasting[i, j]:
                    continue
                known.largest = max(known.largest, statistic)
                if channel.gated and statistic >= channel.floor:
                    application.combined = max(application.combined, alone)
                    application.alarmed = application.alarmed or score >= limit
        said[i].score, said[i].limit = largest, limit
