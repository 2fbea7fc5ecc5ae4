"""Executions on their way to the detectors: collected one by one, handed over as arrays."""

from collections.abc import Callable, Sequence

import numpy as np

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.columns.segment_columns import SegmentColumns, durations, floats
from tracehound.detectors.errors.error_types import type_number
from tracehound.detectors.features.answered_calls import AnsweredCalls, without_lost_joins
from tracehound.detectors.features.batch import GAPS, QUEUES, Batch, Calls
from tracehound.detectors.features.clocks import ANEW, EARLY, IN_TIME, Clocks
from tracehound.detectors.features.measures import SIGNALS, PeerTimes, measure
from tracehound.detectors.features.paths import paths_in
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey, ExecutionHead, whole

_LOCAL = SIGNALS.index("local_ms")
NewCall = Callable[[ApplicationModels, int, str], int]
"""Gives a slot to a peer or queue that an application does not know; the number is a place in ``KEYED_SIGNALS``."""


def queue_name(execution: ExecutionHead) -> str:
    """What the queue of an execution's messages is called, with who takes them.

    >>> from tracehound.schemas.execution import QueueWait
    >>> queue_name(ExecutionHead("billing", "process", 0.0, 1.0, queue_wait=QueueWait("kafka orders", 40.0)))
    'kafka orders for billing'
    """
    wait = execution.queue_wait
    return "" if wait is None else f"{wait.destination} for {wait.group or execution.application}"


class Rows:
    """Executions collected until something has to happen between two of them; the first has the index ``first``.

    ``applications``, ``operations`` and ``executions`` have an entry per row. ``called`` counts, once there is a
    ``batch``, the calls of each application by the peer that it called.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.applications: list[ApplicationModels] = []
        self.operations: list[OperationModels] = []
        self.executions: list[ExecutionHead] = []
        self.called: dict[ApplicationKey, dict[str, int]] = {}
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.executions)

    def add(self, application: ApplicationModels, operation: OperationModels, execution: ExecutionHead) -> None:
        """Take the next execution; its application has counted it."""
        self.applications.append(application)
        self.operations.append(operation)
        self.executions.append(execution)
        self._numbers.append(application.seen)

    def subject(self, row: int, batch: Batch) -> Subject:
        """One row, with the models it belongs to."""
        return Subject(
            row,
            whole(self.executions[row]),
            self.applications[row],
            self.operations[row],
            float(batch.signals[row, 0]),
            self._numbers[row],
            float(batch.times[row]),
        )

    def batch(
        self,
        columns: SegmentColumns,
        settings: DetectionSettings,
        clocks: Clocks,
        answered: AnsweredCalls,
        new_call: NewCall,
    ) -> Batch:
        """All rows as arrays, given their segments."""
        executions, n = self.executions, len(self)
        measured = measure(executions, columns)
        starts = np.array([execution.started_at for execution in executions], np.float64)
        slots = np.fromiter([application.slot for application in self.applications], np.int64, n)
        given = clocks.give(slots, starts, columns.whole_ms)
        times = given.times
        released = self._released(times + settings.lateness_s, times, given.standing == IN_TIME)
        recent = times < released + settings.release_window_s
        opens_slowly = recent.copy()
        for row in np.flatnonzero(recent).tolist():
            opens_slowly[row] = self.applications[row].opens_slowly(released[row])
        released = np.where(recent, released - settings.lateness_s, -np.inf)
        expected = times < floats([application.expected_until_s for application in self.applications])
        if expected.any():
            since = floats([application.expected_s for application in self.applications])
            released = np.where(expected, np.where(recent, np.minimum(released, since), since), released)
            recent, opens_slowly = recent | expected, opens_slowly | expected
        errors, error_types = _errors(executions)
        peers, waits = columns.names.peers, measured.waits
        gaps, _ = self._calls(GAPS, measured.gaps, slots, peers, new_call)
        unjoined, answering = self._calls(GAPS + 1, waits, slots, peers, new_call)
        lasted_ms = columns.duration_ms[measured.gaps.places]
        bounds = answered.learn_then_bound(gaps.rows, gaps.slots, lasted_ms, waits.rows, answering)
        measured.signals[:, _LOCAL] = without_lost_joins(columns, waits, bounds, measured.signals[:, _LOCAL])
        return Batch(
            operations=np.fromiter([operation.slot for operation in self.operations], np.int64, n),
            applications=slots,
            times=times,
            counted=given.counted,
            anew=given.standing == ANEW,
            durations=columns.whole_ms,
            signals=measured.signals,
            errors=errors,
            error_types=error_types,
            calls=(gaps, unjoined),
            paths=paths_in(columns),
            accept_after=np.where(recent, settings.release_patience_s, settings.persist_s),
            released=released,
            opening_until=np.where(opens_slowly, released + settings.release_patience_s, -np.inf),
            adjusted=_adjusted(executions),
            early=(given.standing == EARLY) & np.isnan(given.counted),
            queues=self._queues(new_call),
            logged=self._logged(),
        )

    def _released(self, latest: Floats, times: Floats, in_time: Flags) -> Floats:
        """When the newest release of each application was seen, as of each row (n,).

        Its first execution may be from a clock that is ahead: once others say that it is earlier than ``latest``, the
        release was no later than that.
        """
        released = floats([application.release_s for application in self.applications])
        ahead = in_time & (latest < released)
        if ahead.any():
            for row in range(int(ahead.argmax()), len(self)):
                application = self.applications[row]
                if in_time[row] and latest[row] < application.release_s:
                    application.release_s = float(times[row])
                released[row] = application.release_s
        return released

    def _logged(self) -> Flags | None:
        logged = [execution.kind == "log" for execution in self.executions]
        return np.array(logged) if any(logged) else None

    def _queues(self, new_call: NewCall) -> Calls | None:
        """How long messages waited, by the slot of their queue and group; None where no execution tells it."""
        told = [(row, one.queue_wait) for row, one in enumerate(self.executions) if one.queue_wait is not None]
        if not told:
            return None
        slots: list[int] = []
        for row, _ in told:
            application, name = self.applications[row], queue_name(self.executions[row])
            slot = application.calls[QUEUES].get(name)
            if slot is None:
                slot = new_call(application, QUEUES, name)
            else:
                application.idle[QUEUES][name] = 0
            slots.append(slot)
        rows = np.array([row for row, _ in told], np.int64)
        return Calls(rows, np.array(slots, np.int64), durations([wait.waited_ms for _, wait in told]))

    def _calls(
        self, kind: int, calls: PeerTimes, applications: Slots, peers: Sequence[str], new_call: NewCall
    ) -> tuple[Calls, Slots]:
        """Calls by the slot of their peer, which is looked up once for each application and peer; and by the slot that
        the peer has among those that answer, -1 where it has none."""
        pairs = applications[calls.rows] * len(peers) + calls.peers
        _, first, which = np.unique(pairs, return_index=True, return_inverse=True)
        slots, answering = np.empty(len(first), np.int64), np.empty(len(first), np.int64)
        counts = np.bincount(which, minlength=len(first))
        for pair in np.argsort(first).tolist():  # in order of appearance, in which new peers are given slots
            entry = first[pair]
            application, peer = self.applications[calls.rows[entry]], peers[calls.peers[entry]]
            slot = application.calls[kind].get(peer)
            if slot is None:
                slot = new_call(application, kind, peer)
            else:
                application.idle[kind][peer] = 0
            slots[pair], answering[pair] = slot, application.calls[GAPS].get(peer, -1)
            called = self.called.setdefault(application.key, {})
            called[peer] = called.get(peer, 0) + int(counts[pair])
        return Calls(calls.rows, slots[which], calls.ms), answering[which]


def _errors(executions: Sequence[ExecutionHead]) -> tuple[Floats, Slots]:
    """1 where an execution failed, and the numbers of the types of their errors."""
    failed = floats([execution.status == "error" for execution in executions])
    types = np.zeros(len(executions), np.int64)
    for row, error in enumerate([execution.error for execution in executions]):
        if error is not None:
            types[row] = type_number(error.type, error.handled)
            if not error.handled:
                failed[row] = 1.0
    return failed, types


def _adjusted(executions: Sequence[ExecutionHead]) -> Floats:
    """How many executions each stands for; one that says nothing of sampling stands for itself."""
    given = [execution.adjusted_count for execution in executions]
    if given.count(None) == len(given):  # as in most batches
        return np.ones(len(given))
    return floats([1.0 if count is None else count for count in given])
