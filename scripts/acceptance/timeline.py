"""Time cut into buckets: which were an incident, which were alerted on, and the highest score within each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracehound.schemas.errors import TracehoundError

MOST_BUCKETS = 5_000_000


class TimelineError(TracehoundError):
    """What is given makes no timeline; the message says why."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in epoch seconds, ``end_s`` not before ``start_s``; a moment where they are equal."""

    start_s: float
    end_s: float
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Timeline:
    """Buckets of ``bucket_s`` seconds in their order.

    ``incident`` and ``alerted`` say of each whether any incident or alert touches it, shape (buckets,), bool;
    ``score`` is the highest score within it, 0 where nothing was told.
    """

    bucket_s: float
    incident: npt.NDArray[np.bool_]
    alerted: npt.NDArray[np.bool_]
    score: npt.NDArray[np.float64]


def cut(
    start_s: float,
    end_s: float,
    bucket_s: float,
    incidents: Sequence[Stretch],
    alerts: Sequence[Stretch],
    scores: Sequence[Stretch],
) -> Timeline:
    """Cut the time from ``start_s`` to ``end_s`` (epoch seconds, the end not included) into buckets.

    Raises:
        TimelineError: there is no time between them, or too many buckets.
    """
    if not end_s > start_s:
        raise TimelineError("The time that is looked at must end after it begins: see --from and --to.")
    buckets = int(np.ceil((end_s - start_s) / bucket_s))
    if buckets > MOST_BUCKETS:
        raise TimelineError(
            f"The time must make at most {MOST_BUCKETS} buckets. Got {buckets} of {bucket_s:g} s instead."
        )
    incident, alerted = np.zeros(buckets, dtype=bool), np.zeros(buckets, dtype=bool)
    highest = np.zeros(buckets)
    for flags, stretches in ((incident, incidents), (alerted, alerts)):
        for stretch in stretches:
            flags[_touched(stretch, start_s, bucket_s, buckets)] = True
    for stretch in scores:
        within = _touched(stretch, start_s, bucket_s, buckets)
        highest[within] = np.maximum(highest[within], stretch.score)
    return Timeline(bucket_s, incident, alerted, highest)


def _touched(stretch: Stretch, start_s: float, bucket_s: float, buckets: int) -> slice:
    first = int(np.floor((stretch.start_s - start_s) / bucket_s))
    last = int(np.ceil((stretch.end_s - start_s) / bucket_s)) - 1  # its end belongs to what comes after
    return slice(max(0, min(first, buckets)), max(0, min(max(first, last) + 1, buckets)))
