"""From what detectors say to false-alarm probabilities, against the number of false alarms that a user accepts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.calibration.kernel import (
    APPLICATION,
    CHANNEL,
    FIRST_TRAFFIC,
    LONGEST_PAUSE,
    OF_CHANNEL,
    ROW,
    RULES,
    find_levels,
    least_scale,
    run_calibration,
)
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import (
    COUNTED,
    EARLIEST_S,
    LARGEST,
    LATEST_S,
    Stored,
    checked,
    numbers,
    real,
    whole,
)

BLOCK_S = 300.0
"""Alarms of one application within a block of event time count as one: a day has 288 blocks."""
DAY_S = 86_400.0
PER_CHANNEL = ("largest", "asked", "traffic", "learned")
"""Parts of an application's state that have a row per channel."""
_COMBINED = ("combined", "learned_combined", "pause")


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of statistic that is calibrated per application; higher is more unusual.

    ``smoothed`` is True for sigmas of a chart, False for −log10 of a probability per value. ``scale`` is the
    mean excess of a fault-free block's largest statistic over its usual level, before an application has shown
    its own. Below ``floor`` nothing alarms however quiet an application is, from ``ceiling`` on everything does
    however restless: where most is anomalous, nothing can be learned about normal. ``weight`` is its share of the
    budget, relative to those of the others; one that is ``seldom`` asked takes nothing from them. ``gated`` is
    False where what alarms is learned like everything else, for changes that are harmless more often than not.
    ``exact``: the probabilities hold for what is assumed, so excesses never fall faster than they say, and what other
    channels do not spend of the budget is not for this one. (What alarms is not learned; without these bounds a tail
    seems the lighter the lower the limit is, which then falls further.)

    Raises:
        ValueError: scale, weight and floor are not above 0, or the ceiling lies below the floor.
    """

    name: str
    smoothed: bool
    scale: float
    floor: float
    ceiling: float
    weight: float = 1.0
    gated: bool = True
    seldom: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not (self.scale > 0.0 and self.weight > 0.0 and 0.0 < self.floor <= self.ceiling):
            raise ValueError(
                f"The channel {self.name!r} must have a scale and a weight above 0, and 0 < floor <= ceiling. "
                f"Got scale {self.scale}, weight {self.weight}, floor {self.floor} and ceiling {self.ceiling} instead."
            )


@dataclass(frozen=True, slots=True)
class Calibrated:
    """For n rows and k channels; ``rows`` (n,) are records, whose fields are arrays (n,).

    ``score`` (n,) is −log10 of the probability that a fault-free block holds anything as unusual; ``scores`` (n, k)
    the same for what one channel says; ``alarm`` (n, k) where it is told; ``limit`` (n,) the score from which it is.
    """

    rows: NDArray[np.void]
    scores: Floats
    alarm: Flags

    score = RecordField[Floats]()
    limit = RecordField[Floats]()


class Calibration:
    """Peaks over threshold of block maxima, per application and channel, combined and calibrated again.

    The largest statistic of a channel in each block of 300 s of event time exceeds a level that follows from the
    traffic in a fifth of the blocks, by an excess that is taken as exponential. Share and mean excess are learned
    per application with conjugate priors (50 blocks, 10 excesses; gated: a block with an alarm counts a fiftieth,
    and no more than its ceiling; what has deviated for long does not count), and give each channel's probability.
    The smallest of the k probabilities is the
    combined statistic; its block maxima are calibrated in the same way, with Bonferroni's correction as the
    prior, so that channels that fire together are not paid for twice. Where some channels spend nothing, others may
    have it, except exact ones: one has its own part of the budget, and at most half as much again.

    An alarm is told where the expected number of blocks per day as unusual as this, in normal operation, is at
    most ``budget``: blocks with traffic count, of which an application that is often idle has fewer. With little
    history the shipped scales decide.

    Assumes that normal operation of the next days is like that of the last, and that excesses have a light tail
    beyond what was seen. Fails where a fault is the usual state: then only floor and ceiling hold.

    Parameters: ``channels``; ``budget`` false alarms per application and day.

    Source: J. Pickands, Annals of Statistics 3 (1975); A. Siffer et al., KDD 2017 (SPOT); C. E. Bonferroni (1936).

    >>> channel = Channel("latency", smoothed=True, scale=0.4, floor=3.0, ceiling=12.0)
    >>> calibration = Calibration([channel], budget=1.0)
    >>> calibration.open(0, seed=0)
    >>> usual = np.abs(np.random.default_rng(0).normal(0, 0.7, (5000, 1)))
    >>> judged = calibration.judge_then_learn(np.zeros(5000, np.int64), usual, np.arange(5000.0) * 3)
    >>> int(judged.alarm.sum())
    0
    >>> bool(calibration.judge(np.zeros(1, np.int64), np.array([[8.0]])).alarm[0, 0])
    True
    """

    def __init__(self, channels: Sequence[Channel], budget: float) -> None:
        self.channels = tuple(channels)
        self._rules = np.array([(BLOCK_S, budget * BLOCK_S / DAY_S)], RULES)
        weights = np.array([one.weight for one in channels])
        often = np.array([not one.seldom for one in channels])
        handicaps = -np.log10(weights / weights[often if often.any() else ~often].sum())
        fixed = [
            (
                one.smoothed,
                one.gated,
                one.exact,
                one.scale,
                least_scale(one.scale, one.exact),
                one.floor,
                one.ceiling,
                handicap,
            )
            for one, handicap in zip(channels, handicaps.tolist(), strict=True)
        ]
        self._fixed = np.array(fixed, CHANNEL)
        fresh = np.zeros(len(self.channels), OF_CHANNEL)
        fresh["largest"], fresh["traffic"] = -np.inf, FIRST_TRAFFIC
        find_levels(fresh, self._fixed)
        self._applications = SlotRecords(APPLICATION, {"block": -1, "pause": 1.0})
        self._channels = SlotRecords({"channels": (OF_CHANNEL, fresh.shape)}, {"channels": fresh})
        self._stored = _stored(len(self.channels))

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the application in ``slot``."""
        self._applications.open(slot)
        self._channels.open(slot)

    def _of(self, slot: int) -> NDArray[np.void]:
        channels: NDArray[np.void] = self._channels["channels"][slot]
        return channels

    def judge(self, slots: Slots, statistics: Floats) -> Calibrated:
        """Judge statistics (n, k), NaN where a channel was not asked. Changes nothing."""
        return self._run(slots, statistics, None, np.zeros(len(slots)), remember=False)

    def judge_then_learn(
        self, slots: Slots, statistics: Floats, times: Floats, lasting: Flags | None = None
    ) -> Calibrated:
        """Judge rows in order at their times (epoch seconds); a block is learned when the next begins.

        What is ``lasting`` (n, k) is judged and not learned: it has deviated for long, and would hide what else does.
        """
        return self._run(slots, statistics, lasting, times, remember=True)

    def _run(
        self, slots: Slots, statistics: Floats, lasting: Flags | None, times: Floats, remember: bool
    ) -> Calibrated:
        n, k = len(slots), len(self.channels)
        judged = Calibrated(np.zeros(n, ROW), np.zeros((n, k)), np.zeros((n, k), np.bool_))
        run_calibration(
            *(
                slots,
                statistics,
                np.zeros((0, 0), np.bool_) if lasting is None else lasting,
                times,
                remember,
                self._rules,
                self._fixed,
            ),
            *(self._applications.records, self._channels["channels"]),
            *(judged.rows, judged.scores, judged.alarm),
        )
        return judged

    def snapshot(self, slot: int) -> State:
        """A copy of an application's complete state."""
        state: State = {name: self._of(slot)[name].copy() for name in PER_CHANNEL}
        state |= {name: self._applications[name][slot].copy() for name in _COMBINED}
        state["block"] = int(self._applications["block"][slot])
        state["alarmed"] = int(self._applications["alarmed"][slot])
        return state

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's state.

        Raises:
            KeyError, ValueError: the state is not one of these channels.
        """
        taken = checked("a calibration", state, self._stored)
        application, channels = self._applications.records[slot], self._of(slot)
        for part, names in ((application, ("block", "alarmed", *_COMBINED)), (channels, PER_CHANNEL)):
            for name in names:
                part[name] = taken[name]
        find_levels(channels, self._fixed)

    def nbytes(self) -> int:
        """Bytes that one application takes."""
        return self._applications.row_bytes() + self._channels.row_bytes()


def _stored(channels: int) -> dict[str, Stored]:
    """What the state of an application with so many channels may hold."""
    return {
        "largest": numbers(np.float64, (channels,), -np.inf, LARGEST),
        "asked": numbers(np.int64, (channels,), 0, COUNTED),
        "traffic": numbers(np.float64, (channels,), 0.0, COUNTED),
        "learned": numbers(np.float64, (channels, 3), 0.0, LARGEST),
        "combined": real(0.0, LARGEST),
        "learned_combined": numbers(np.float64, (3,), 0.0, LARGEST),
        "pause": real(1.0, LONGEST_PAUSE),
        "block": whole(int(EARLIEST_S // BLOCK_S), int(LATEST_S // BLOCK_S)),
        "alarmed": whole(0, 1),
    }
