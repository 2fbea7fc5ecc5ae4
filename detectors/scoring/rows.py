"""Executions on their way to the detectors: collected by stretches, handed over as arrays."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.columns.columned_executions import ColumnedExecutions, columned
from tracehound.detectors.columns.heads import KINDS, Heads
from tracehound.detectors.columns.segment_columns import durations, floats
from tracehound.detectors.errors.error_types import type_number
from tracehound.detectors.features.answered_calls import AnsweredCalls, without_lost_joins
from tracehound.detectors.features.batch import GAPS, QUEUES, Batch, Calls
from tracehound.detectors.features.clocks import ANEW, EARLY, IN_TIME, Clocks
from tracehound.detectors.features.measures import SIGNALS, PeerTimes, measure
from tracehound.detectors.features.paths import paths_in
from tracehound.detectors.features.profile import Parts, parts, parts_in
from tracehound.detectors.packed.occurrences import Occurrences
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey, Execution, ExecutionHead, QueueWait, whole

_LOG = KINDS.index("log")
_LOCAL = SIGNALS.index("local_ms")
_NONE = columned([])
NewCall = Callable[[ApplicationModels, int, str], int]
"""Gives a slot to a peer or queue that an application does not know; the number is a place in ``KEYED_SIGNALS``."""


def queue_name(wait: QueueWait, application: str) -> str:
    """What the queue that messages of an application waited in is called, with who takes them.

    >>> queue_name(QueueWait("kafka orders", 40.0), "billing")
    'kafka orders for billing'
    """
    return f"{wait.destination} for {wait.group or application}"


class Rows:
    """Executions collected until something has to happen between two of them; the first has the index ``first``.

    ``applications`` and ``operations`` have an entry per row. ``called`` counts, once there is a ``batch``, the calls
    of each application by the peer that it called.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.applications: list[ApplicationModels] = []
        self.operations: list[OperationModels] = []
        self.called: dict[ApplicationKey, dict[str, int]] = {}
        self._numbers: list[int] = []
        self._periods: dict[int, int] = {}
        self._executions = _NONE
        self._made: dict[int, Execution] = {}

    def __len__(self) -> int:
        return len(self.applications)

    def extend(
        self, applications: Iterable[ApplicationModels], operations: Iterable[OperationModels], numbers: Iterable[int]
    ) -> None:
        """Take the next executions; ``numbers`` are how many there have been of their applications with each."""
        self.applications.extend(applications)
        self.operations.extend(operations)
        self._numbers.extend(numbers)

    def begin_period(self, application: ApplicationModels) -> None:
        """With the next execution begins a period of its application: what was seen before it alone is idle in that."""
        self._periods[application.slot] = len(self)

    def execution(self, row: int) -> Execution:
        """The execution of a row, once there is a ``batch``."""
        made = self._made.get(row)
        if made is None:
            made = self._made[row] = whole(self._executions[row])
        return made

    def head(self, row: int) -> ExecutionHead:
        """What the execution of a row says beside its segments, once there is a ``batch``, as it was sent."""
        return self._made.get(row) or self._executions.head(row)

    def parts(self, row: int, self_ms: float) -> Parts:
        """Where the time of the execution of a row went, once there is a ``batch``."""
        return parts_in(self._executions.columns, row, self_ms) or parts(self.execution(row), self_ms)

    def kind(self, row: int) -> str:
        """What kind of execution that of a row is, once there is a ``batch``."""
        kind: str = KINDS[self._executions.heads.kind[row]]
        return kind

    def number(self, row: int) -> int:
        """How many executions of its application there have been with that of a row."""
        return self._numbers[row]

    def subject(self, row: int, batch: Batch) -> Subject:
        """One row, with the models it belongs to."""
        return Subject(
            row,
            self.execution(row),
            self.applications[row],
            self.operations[row],
            float(batch.signals[row, 0]),
            self._numbers[row],
            float(batch.times[row]),
        )

    def batch(
        self,
        executions: ColumnedExecutions,
        settings: DetectionSettings,
        clocks: Clocks,
        answered: AnsweredCalls,
        new_call: NewCall,
    ) -> Batch:
        """All rows as arrays, given what they are rows of."""
        self._executions, n = executions, len(self)
        heads, columns = executions.heads, executions.columns
        measured = measure(heads.memory_mb, columns)
        came = Occurrences(heads.application)
        self._which, self._distinct = came.place, [self.applications[row] for row in came.first]
        slots = np.array([application.slot for application in self._distinct], np.int64)[self._which]
        given = clocks.give(slots, heads.started_s, columns.whole_ms)
        times = given.times
        released = self._released(times + settings.lateness_s, times, given.standing == IN_TIME)
        recent = times < released + settings.release_window_s
        opens_slowly = recent.copy()
        for row in np.flatnonzero(recent).tolist():
            opens_slowly[row] = self.applications[row].opens_slowly(released[row])
        released = np.where(recent, released - settings.lateness_s, -np.inf)
        expected = times < self._of_applications([application.expected_until_s for application in self._distinct])
        if expected.any():
            since = self._of_applications([application.expected_s for application in self._distinct])
            released = np.where(expected, np.where(recent, np.minimum(released, since), since), released)
            recent, opens_slowly = recent | expected, opens_slowly | expected
        peers, waits = columns.names.peers, measured.waits
        gaps, _ = self._calls(GAPS, measured.gaps, slots, peers, new_call)
        unjoined, answering = self._calls(GAPS + 1, waits, slots, peers, new_call)
        lasted_ms = columns.duration_ms[measured.gaps.places]
        bounds = answered.learn_then_bound(gaps.rows, gaps.slots, lasted_ms, waits.rows, answering)
        measured.signals[:, _LOCAL] = without_lost_joins(columns, waits, bounds, measured.signals[:, _LOCAL])
        logged = heads.kind == _LOG
        return Batch(
            operations=np.fromiter([operation.slot for operation in self.operations], np.int64, n),
            applications=slots,
            times=times,
            counted=given.counted,
            anew=given.standing == ANEW,
            durations=columns.whole_ms,
            signals=measured.signals,
            errors=heads.failed.astype(np.float64),
            error_types=_error_types(heads),
            calls=(gaps, unjoined),
            paths=paths_in(columns),
            accept_after=np.where(recent, settings.release_patience_s, settings.persist_s),
            released=released,
            opening_until=np.where(opens_slowly, released + settings.release_patience_s, -np.inf),
            adjusted=heads.adjusted,
            early=(given.standing == EARLY) & np.isnan(given.counted),
            doubtful=given.doubtful,
            queues=self._queues(heads, new_call),
            logged=logged if logged.any() else None,
        )

    def _released(self, latest: Floats, times: Floats, in_time: Flags) -> Floats:
        """When the newest release of each application was seen, as of each row (n,).

        Its first execution may be from a clock that is ahead: once others say that it is earlier than ``latest``, the
        release was no later than that.
        """
        released = self._of_applications([application.release_s for application in self._distinct])
        ahead = in_time & (latest < released)
        if ahead.any():
            for row in range(int(ahead.argmax()), len(self)):
                application = self.applications[row]
                if in_time[row] and latest[row] < application.release_s:
                    application.release_s = float(times[row])
                released[row] = application.release_s
        return released

    def _of_applications(self, values: list[float]) -> Floats:
        """What is of each application, as a column (n,)."""
        return floats(values)[self._which]

    def _queues(self, heads: Heads, new_call: NewCall) -> Calls | None:
        """How long messages waited, by the slot of their queue and group; None where no execution tells it."""
        if not heads.waits:
            return None
        slots: list[int] = []
        for row, wait in zip(heads.waiting.tolist(), heads.waits, strict=True):
            application = self.applications[row]
            name = queue_name(wait, application.key[0])
            slots.append(self._slot(application, QUEUES, name, row, new_call))
        return Calls(heads.waiting, np.array(slots, np.int64), durations([wait.waited_ms for wait in heads.waits]))

    def _calls(
        self, kind: int, calls: PeerTimes, applications: Slots, peers: Sequence[str], new_call: NewCall
    ) -> tuple[Calls, Slots]:
        """Calls by the slot of their peer, which is looked up once for each application and peer; and by the slot that
        the peer has among those that answer, -1 where it has none."""
        pairs = applications[calls.rows] * len(peers) + calls.peers
        came = Occurrences(pairs)
        slots, answering = np.empty(len(came.first), np.int64), np.empty(len(came.first), np.int64)
        last = np.empty(len(came.first), np.int64)
        last[came.place] = calls.rows  # of a pair's rows, which ascend, the last one stays
        first = zip(calls.rows[came.first].tolist(), calls.peers[came.first].tolist(), last.tolist(), strict=True)
        for pair, (row, number, newest) in enumerate(first):  # in the order in which new peers are given slots
            application, peer = self.applications[row], peers[number]
            slots[pair] = self._slot(application, kind, peer, newest, new_call)
            answering[pair] = application.calls[GAPS].get(peer, -1)
            called = self.called.setdefault(application.key, {})
            called[peer] = called.get(peer, 0) + came.counts[pair]
        return Calls(calls.rows, slots[came.place], calls.ms), answering[came.place]

    def _slot(self, application: ApplicationModels, kind: int, name: str, last: int, new_call: NewCall) -> int:
        """The slot of a called peer or queue of an application that was seen, at the row ``last`` for the last time."""
        known = application.calls[kind]
        slot = known.get(name)
        if slot is None:
            slot = new_call(application, kind, name)
        if name in known:
            application.idle[kind][name] = int(last < self._periods.get(application.slot, 0))
        return slot


def _error_types(heads: Heads) -> Slots:
    """The numbers of the types of the errors that executions (n,) ended with, 0 without one."""
    types = np.zeros(len(heads), np.int64)
    for row in np.flatnonzero(heads.error).tolist():
        error = heads.names.errors.names[heads.error[row]]
        if error is not None:
            types[row] = type_number(*error)
    return types
