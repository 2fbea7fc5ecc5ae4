"""The agent that groups: runs of incident input in, incidents out, and what is known of them saved on the way."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import structlog
from aiokafka import ConsumerRecord
from faust.types import TP

from tracehound.schemas.codec import encode
from tracehound.schemas.control import Control
from tracehound.schemas.drill import DRILL_APPLICATION
from tracehound.schemas.errors import SnapshotError, UnknownSubjectError
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput, decode_input
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import failure_letter, letter_of
from tracehound.streams.delivery.outputs import CLOUD_EVENT_HEADERS
from tracehound.streams.incidents.metrics import IncidentMetrics
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.placed_states import PlacedState

PARTITION = 0
"""The one partition of the input topic: its order is the truth."""
_RECORDS_BETWEEN_YIELDS = 200

_encode_control = msgspec.json.Encoder().encode

log = structlog.get_logger(__name__)


class Book(Protocol):
    """What ``detectors.incidents.book.IncidentBook`` does."""

    def take(self, record: IncidentInput) -> list[IncidentEvent]:
        """What a record leads to."""
        ...

    def take_lessons(self) -> list[Control]:
        """What models are to learn of it."""
        ...

    def snapshot(self) -> bytes:
        """Everything that is known."""
        ...

    def statistics(self) -> Mapping[str, int]:
        """Counts for metrics."""
        ...


async def group_incidents(runs: AsyncIterable[Run], grouping: "Grouping") -> None:
    """Agent. Input: incident input, one partition. Output: severity topic, keyed by incident; dead letters.

    What models are to learn of verdicts goes to the control topic, in the partition of each application. At least once,
    with ids that follow from the incident and its revision. The book is saved after the broker acknowledged all that it
    led to, and a run is acknowledged once a saved book knows it.
    """
    async for run in runs:
        await grouping.take(run)


@dataclass(slots=True)
class _Owned:
    """The partition while it is owned; the book is there once what was saved has been looked for."""

    book: Book | None = None
    next: int = 0
    saved: int = -1
    topic_id: str = ""
    held: deque[Run] = field(default_factory=deque)
    lost: bool = False


class Grouping(RunListener):
    """Groups run after run, and saves its book.

    Parameters:
        restored: makes a book of a snapshot (``SnapshotError`` if it cannot be read), a new one of None.
        generation: of the consumer group, asked when the book is saved.
        spawn: lets something be done beside reading, which it must not hold up.
        progressed: called when a run was dealt with.
    """

    def __init__(
        self,
        restored: Callable[[bytes | None], Book],
        states: CheckpointLog[PlacedState],
        delivery: Delivery,
        topics: Topics,
        metrics: IncidentMetrics,
        generation: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        progressed: Callable[[], None],
    ) -> None:
        self._restored = restored
        self._states = states
        self._delivery = delivery
        self._topic = topics.severity.name
        self._partitioner = Partitioner(topics.severity.partitions)
        self._control_topic = topics.control.name
        self._partitioner_of_controls = Partitioner(topics.control.partitions)
        self._metrics = metrics
        self._generation = generation
        self._spawn = spawn
        self._progressed = progressed
        self._owned: _Owned | None = None
        self._resting = asyncio.Lock()
        self._saving = asyncio.Lock()

    # --- told by the consumer (``RunListener``)

    async def assigned(self, partitions: Collection[TP]) -> None:
        """The partition is owned from now on, or is not."""
        if not any(tp.partition == PARTITION for tp in partitions):
            self._lose()
        elif self._owned is None:
            self._owned = _Owned()

    async def _load(self) -> None:
        """Look for what was saved; runs wait until then."""
        owned = self._owned
        if owned is None or owned.book is not None:
            return
        loaded, extent = await self._states.load([PARTITION])
        state = loaded[PARTITION]
        if owned.lost or owned.book is not None:
            return
        owned.topic_id = extent.topic_id
        if state is not None:
            position = extent.within(PARTITION, state.position) if extent.is_of(state.topic_id) else 0
            if position != state.position:
                log.error(
                    "incidents_input_begins_again",
                    sentence=f"What was saved of incidents reaches to offset {state.position} of their input, which "
                    f"was made anew or ends before that. It is kept, reading goes on at {position}, and anomalies "
                    "may be missing.",
                )
            try:
                owned.book, owned.next = self._restored(state.snapshot), position
                owned.saved = position
            except SnapshotError as error:
                log.error("incidents_unreadable", sentence=f"What was saved of incidents cannot be used: {error}")
        if owned.book is None:
            owned.book = self._restored(None)

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at this committed offset, and only now is it known of which topic it is.

        So what was saved is looked for now. Also where it lies above what was grouped here: another worker went on
        meanwhile.
        """
        owned = self._owned
        for tp, offset in committed.items():
            if owned is None or tp.partition != PARTITION:
                continue
            owned.held.clear()
            if owned.book is None or (offset or 0) > owned.next:
                self._begin_anew()

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:  # noqa: ARG002 (as it is told)
        """Where the input begins again, what was saved is loaded anew, and its position believed within that.

        Also where nothing had been read of it: what is saved next is of the topic that there is now.
        """
        if self._owned is not None and resumed_at <= wanted:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._lose()
        self._owned = _Owned()
        self._spawn(self._load())

    async def finish_runs(self) -> None:
        """Save the book, and acknowledge the runs that it knows."""
        await self.save()

    def _lose(self) -> None:
        if self._owned is not None:
            self._owned.lost = True
            self._owned = None

    # --- the work

    async def take(self, run: Run) -> None:
        """Group a run and hand what it leads to over to the delivery. Waits while too much is in flight."""
        while (loaded := await run.once(self._loaded)) is not None:
            owned, book = loaded
            async with self._resting:
                if run.outstanding and not owned.lost:
                    await self._take(run, owned, book)
                    return

    def _loaded(self) -> tuple[_Owned, Book] | None:
        owned = self._owned
        return None if owned is None or owned.book is None else (owned, owned.book)

    async def _take(self, run: Run, owned: _Owned, book: Book) -> None:
        parcel = Parcel(run.tp)
        begun = time.perf_counter()
        if run.start > owned.next and owned.saved >= 0:
            log.error(
                "incidents_gap",
                sentence=f"What was saved of incidents ends at offset {owned.next}, and reading begins at {run.start}: "
                "what lies between is unknown to them.",
            )
        for index, record in enumerate(run.records):
            if record.offset >= owned.next:
                self._group(record, book, parcel)
            if index % _RECORDS_BETWEEN_YIELDS == _RECORDS_BETWEEN_YIELDS - 1:
                await asyncio.sleep(0)
        owned.next = max(owned.next, run.end)
        self._metrics.grouping_seconds.observe(time.perf_counter() - begun)
        self._metrics.records.labels(topic=run.tp.topic).inc(len(run.records))
        run.release()
        owned.held.append(run)
        parcel.when_safe = self._progressed
        await self._delivery.send(parcel)

    def _group(self, record: ConsumerRecord, book: Book, parcel: Parcel) -> None:
        try:
            told = decode_input(record.value or b"")
            if _is_of_a_drill(told):  # nobody is to be woken by it
                if told.anomaly is not None:
                    self._metrics.note_drill(told.anomaly, record.timestamp / 1_000.0)
                return
            events = book.take(told)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            reason = f"A record of incidents' input must be what scoring writes: {error}."
            parcel.dead_letters.append(letter_of(record, record.value, "incidents", "InvalidIncidentInput", reason))
            return
        except UnknownSubjectError as error:
            parcel.dead_letters.append(letter_of(record, record.value, "incidents", "UnknownSubject", str(error)))
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be grouped)
            parcel.dead_letters.append(failure_letter(record, record.value, "incidents", error))
            return
        self._metrics.count_events(events)
        for event in events:
            key = event.data.incident_id
            where = self._partitioner.partition_of(key)
            parcel.forwards.append(Outgoing(self._topic, key.encode(), encode(event), CLOUD_EVENT_HEADERS, where))
        self._teach(book.take_lessons(), parcel)

    def _teach(self, lessons: Sequence[Control], parcel: Parcel) -> None:
        self._metrics.lessons.inc(len(lessons))
        for control in lessons:
            application, value = control.application, _encode_control(control)
            where = self._partitioner_of_controls.partition_of(application)
            parcel.forwards.append(Outgoing(self._control_topic, application.encode(), value, (), where))

    # --- saving

    async def save(self) -> None:
        """Save the book, if it has learned anything, then acknowledge the runs that it knows."""
        async with self._saving:
            async with self._resting:  # everything that was taken has been handed over
                owned = self._owned
                if owned is None or owned.book is None or not owned.held:
                    return
                state = PlacedState(owned.next, owned.book.snapshot(), owned.topic_id)
                held = list(owned.held)
            if not await self._delivery.settled() or owned.lost:
                return
            if state.position > owned.saved:
                self._metrics.state_bytes.inc(await self._states.save(PARTITION, self._generation(), state))
                self._metrics.saves.inc()
                owned.saved = state.position
            for run in held:
                run.ack()
                if owned.held and owned.held[0] is run:
                    owned.held.popleft()

    # --- what others ask

    def statistics(self) -> Mapping[str, int]:
        """Counts of the book; none where the partition is another worker's."""
        book = None if self._owned is None else self._owned.book
        return {} if book is None else book.statistics()


def _is_of_a_drill(told: IncidentInput) -> bool:
    for event in (told.anomaly, told.change):
        if event is not None:
            return event.data.application == DRILL_APPLICATION
    return told.progress is not None and told.progress.application == DRILL_APPLICATION
