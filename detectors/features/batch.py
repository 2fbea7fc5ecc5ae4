"""A batch of executions as arrays: what the detectors are handed, in event order per application."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.features.paths import Paths

CALL_SIGNALS = ("call_gap_ms", "call_ms")
"""Joined calls by their gap, and calls whose other side is not known by their duration; milliseconds."""

KEYED_SIGNALS = (*CALL_SIGNALS, "queue_gap_ms")
"""All that has a key within an application: called peers, and queues with the time that messages waited in them."""
GAPS, QUEUES = KEYED_SIGNALS.index("call_gap_ms"), KEYED_SIGNALS.index("queue_gap_ms")


@dataclass(frozen=True, slots=True)
class Calls:
    """m calls of n executions, or waits of their messages, in order of ``rows`` (m,): the index of the execution.

    ``slots`` (m,) are of (application, peer or queue), ``values`` (m,) in ms.
    """

    rows: NDArray[np.int64]
    slots: Slots
    values: Floats


@dataclass(frozen=True, slots=True)
class Batch:
    """n executions as arrays, in event order per application.

    ``operations`` and ``applications`` (n,) are slots, ``durations`` (n,) ms; ``times`` (n,) are the times that they
    are given, ``counted`` (n,) those in which they count as traffic, epoch seconds, and ``anew`` (n,) is True where the
    application's time begins anew (``detectors.features.clocks``);
    ``signals`` (n, 3) as in ``detectors.features.measures.SIGNALS``, ``errors`` (n,) 0 or 1, ``error_types`` (n,) as
    ``detectors.errors.error_types.type_number``, ``calls`` one per entry of ``CALL_SIGNALS``. ``accept_after`` (n,) is
    for how many seconds a deviation must last to become the new normal; one that began before ``released`` (n,), the
    event time of a release that is still recent or of a change that somebody expects, does not (-inf where there is
    none). Until ``opening_until`` (n,), in event time, what is slow belongs to the release (-inf: nothing does).
    ``adjusted`` (n,) is how many executions each stands for where it was sampled, 0 where nobody knows.
    ``queues`` has at most one wait per execution, and is None where no execution tells of any; ``logged`` (n,) is True
    for log events, and None where there are none.
    ``early`` (n,) is True where an execution may be the first after a rest: it is early, and nobody agrees yet on what
    time it is; ``doubtful`` (n,) where few do.
    """

    operations: Slots
    applications: Slots
    times: Floats
    counted: Floats
    anew: Flags
    durations: Floats
    signals: Floats
    errors: Floats
    error_types: Slots
    calls: tuple[Calls, ...]
    paths: Paths
    accept_after: Floats
    released: Floats
    opening_until: Floats
    adjusted: Floats
    early: Flags
    doubtful: Flags
    queues: Calls | None = None
    logged: Flags | None = None

    def patience(self, most_s: float = np.inf) -> Floats:
        """(n,) for how many seconds a deviation must last to become the new normal, ``most_s`` at most.

        NaN, which nothing is longer than, where the time is doubtful: nobody knows how long it lasted.
        """
        return np.where(self.doubtful, np.nan, np.minimum(self.accept_after, most_s))
