"""How long calls that a callee answers for usually last: what a call stands for whose other side did not arrive."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots, State
from tracehound.detectors.columns.segment_columns import SegmentColumns
from tracehound.detectors.features.measures import PeerTimes, local_times
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import COUNTED, LARGEST, real

KNOWN: Final = 30.0
"""Answered calls by which it is known how long they last."""
MEMORY: Final = 200.0
"""Answered calls over which that is averaged."""
SPREAD: Final = 4.0
"""Mean absolute deviations above the mean up to which a call lasts as calls of its peer usually do: some 96 % of calls
whose durations are widely scattered (log-normal, σ = 1) are within."""
_STORED: Final = {"count": real(0.0, COUNTED), "mean_ms": real(0.0, LARGEST), "off_ms": real(0.0, LARGEST)}


class AnsweredCalls(RestoredTogether):
    """Mean and mean absolute deviation of the duration of answered calls, by called peer of an application.

    A call is *answered* where the callee's own execution was joined with it. Spans get lost: a Collector restarts, a
    service samples for itself. Then the time that the callee used to answer for must not become its caller's own: such
    a call counts as answered for as long as calls to that peer usually take. What it takes beyond is the caller's local
    time, as that of any call which nobody answers for: so a call that never reached its peer and timed out is seen.

    Assumes that a peer whose calls were answered before is one that tells of its executions. Fails where only
    some of the instances of a peer ever did, and those are the fast ones.

    >>> usual = AnsweredCalls()
    >>> usual.open(0)
    >>> none = np.zeros(0, np.int64)
    >>> usual.learn_then_bound(np.arange(40), np.zeros(40, np.int64), np.full(40, 80.0), none, none).tolist()
    []
    >>> usual.learn_then_bound(none, none, np.zeros(0), np.array([0]), np.array([0])).round(1).tolist()
    [80.0]
    """

    def __init__(self) -> None:
        self._store = SlotRecords(dict.fromkeys(_STORED, (np.float64, ())))

    def open(self, slot: int) -> None:
        """Start afresh for the peer in ``slot``, one of those of joined calls."""
        self._store.open(slot)

    def learn_then_bound(
        self, rows: Slots, slots: Slots, durations_ms: Floats, unanswered_rows: Slots, unanswered_slots: Slots
    ) -> Floats:
        """(k,) for how long at most k unanswered calls count as answered, in ms; 0 where that is not known.

        ``rows``, ``slots`` and ``durations_ms`` (m,) are of the answered calls, which are learned in order with them;
        an unanswered one to a peer that never answered has the slot -1. Both ascend by row.
        """
        bounds = np.zeros(len(unanswered_rows))
        _learn_then_bound(rows, slots, durations_ms, unanswered_rows, unanswered_slots, self._store.records, bounds)
        return bounds

    def snapshot(self, slot: int) -> State:
        """A copy of the peer's complete state."""
        return {name: float(self._store[name][slot]) for name in _STORED}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of peers."""
        for name, column in checked_columns("answered calls", states, _STORED).items():
            self._store[name][slots] = column

    def nbytes(self) -> int:
        """Bytes that one peer takes."""
        return self._store.row_bytes()


def without_lost_joins(columns: SegmentColumns, waits: PeerTimes, bounds: Floats, local_ms: Floats) -> Floats:
    """``local_ms`` (n,) where the calls ``waits`` count as answered for up to their ``bounds`` (k,) in ms."""
    lost = np.flatnonzero(bounds > 0.0)
    if not len(lost):
        return local_ms
    bound_of: Floats = np.zeros(len(columns.name))
    arrays = (columns.starts, columns.name, columns.names.waited_peer, columns.remote_ms)
    _spread(waits.rows[lost], waits.peers[lost], bounds[lost], *arrays, bound_of)
    changed: NDArray[np.bool_] = np.zeros(len(local_ms), np.bool_)
    changed[waits.rows[lost]] = True
    return np.where(changed, local_times(columns, bound_of), local_ms)


@njit(cache=True)
def _learn_then_bound(
    rows: Any, slots: Any, ms: Any, lost_rows: Any, lost_slots: Any, records: Any, bounds: Any
) -> None:
    at = 0
    for i in range(lost_rows.size + 1):
        last = i == lost_rows.size
        while at < rows.size and (last or rows[at] <= lost_rows[i]):
            one = records[slots[at]]
            one.count = min(one.count + 1.0, MEMORY)
            off = ms[at] - one.mean_ms
            one.mean_ms += off / one.count
            one.off_ms += (abs(ms[at] - one.mean_ms) - one.off_ms) / one.count
            at += 1
        if not last and lost_slots[i] >= 0 and records[lost_slots[i]].count >= KNOWN:
            one = records[lost_slots[i]]
            bounds[i] = one.mean_ms + SPREAD * one.off_ms


@njit(cache=True)
def _spread(
    rows: Any, peers: Any, bounds: Any, starts: Any, name: Any, waited_peer: Any, remote_ms: Any, bound_of: Any
) -> None:
    for i in range(rows.size):
        for at in range(starts[rows[i]], starts[rows[i] + 1]):
            if np.isnan(remote_ms[at]) and waited_peer[name[at]] == peers[i]:
                bound_of[at] = bounds[i]
