"""Publishes what runs led to, several runs at a time, and acknowledges each run once all of it is safe."""

import asyncio
from collections import Counter as Counts
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from prometheus_client import Counter

from tracehound.schemas.dead_letter import HEADER_PREFIX, TRUNCATED_HEADER, DeadLetter
from tracehound.streams.delivery.alike_letters import AlikeLetters
from tracehound.streams.delivery.letters import unpublished_letter
from tracehound.streams.delivery.refusals import RefusalLog
from tracehound.streams.kafka.publisher import Outgoing, Publisher, RefusedError

_TRUNCATED_BYTES = 65_536
_PLACE = frozenset(HEADER_PREFIX + name for name in ("topic", "partition", "offset"))

log = structlog.get_logger(__name__)


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Parcel:
    """What one run led to. ``when_safe`` is called after everything was acknowledged by the broker.

    ``forwards`` keep their order per target topic and partition, and with those of earlier parcels of the same
    ``source``.
    """

    source: Hashable
    outgoing: list[Outgoing] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    alike_letters: list[AlikeLetters] = field(default_factory=list)
    forwards: list[Outgoing] = field(default_factory=list)
    when_safe: Callable[[], None] = _nothing


class DeliveryMetrics(Protocol):
    """What a delivery counts: dead letters by error, and records forwarded."""

    dead_letters: Counter
    forwarded: Counter


class Delivery:
    """Parcels in flight, at most ``limit``: more wait, which holds up reading.

    Parameters:
        publisher: sends.
        dead_letter_topic: name of the topic for dead letters.
        limit: parcels in flight.
        fail: called with an error that no retry can mend; ends the worker.
    """

    def __init__(
        self,
        publisher: Publisher,
        dead_letter_topic: str,
        metrics: DeliveryMetrics,
        limit: int,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._publisher = publisher
        self._topic = dead_letter_topic
        self._refusals = RefusalLog(dead_letter_topic)
        self._metrics = metrics
        self._room = asyncio.Semaphore(limit)
        self._fail = fail
        self._in_flight: set[asyncio.Task[None]] = set()
        self._failed = False
        self._last_forward: dict[Hashable, asyncio.Task[None]] = {}

    async def send(self, parcel: Parcel) -> None:
        """Take a parcel over; waits while too many are in flight, not for this one's arrival."""
        if not (parcel.outgoing or parcel.dead_letters or parcel.alike_letters or parcel.forwards):
            parcel.when_safe()
            return
        await self._room.acquire()
        before = self._last_forward.get(parcel.source) if parcel.forwards else None
        task = asyncio.create_task(self._deliver(parcel, before))
        if parcel.forwards:
            self._last_forward[parcel.source] = task
        self._in_flight.add(task)
        task.add_done_callback(self._arrived)

    async def idle(self) -> None:
        """Return once nothing is in flight."""
        while self._in_flight:
            await asyncio.wait(list(self._in_flight))

    async def settled(self) -> bool:
        """Return once all that is in flight now has ended; whether that and all before it is safe."""
        waiting = list(self._in_flight)
        if waiting:
            await asyncio.wait(waiting)
        return not self._failed and all(not task.cancelled() and task.exception() is None for task in waiting)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        for source in [source for source, last in self._last_forward.items() if last is task]:
            del self._last_forward[source]
        self._room.release()
        if task.cancelled():
            self._failed = True
        elif (error := task.exception()) is not None:
            self._failed = True
            self._fail(error)

    async def _deliver(self, parcel: Parcel, before: asyncio.Task[None] | None) -> None:
        await asyncio.gather(
            *(self._publish(one) for one in parcel.outgoing),
            self._bury(parcel.dead_letters),
            *map(self._bury_alike, parcel.alike_letters),
            self._forward(parcel.forwards, before),
        )
        parcel.when_safe()

    async def _publish(self, outgoing: Outgoing) -> None:
        try:
            await self._publisher.publish(outgoing)
        except RefusedError as error:
            await self._bury([unpublished_letter(outgoing, error)])

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        for error, count in Counts(letter.error for letter in letters).items():
            self._metrics.dead_letters.labels(error=error).inc(count)
        for letter in letters:
            self._refusals.note(letter)
        sent = [Outgoing(self._topic, letter.key, letter.value, letter.wire_headers()) for letter in letters]
        await self._publish_letters(sent)

    async def _bury_alike(self, letters: AlikeLetters) -> None:
        self._metrics.dead_letters.labels(error=letters.error).inc(len(letters))
        self._refusals.note_all(letters)
        await self._publish_letters(letters.outgoing(self._topic))

    async def _publish_letters(self, sent: Sequence[Outgoing]) -> None:
        for refused in await self._publisher.publish_together(sent):
            await self._publisher.publish(_cut(refused))

    async def _forward(self, forwards: Sequence[Outgoing], before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        by_target: dict[tuple[str, int | None], list[Outgoing]] = {}
        for outgoing in forwards:
            by_target.setdefault((outgoing.topic, outgoing.partition), []).append(outgoing)
        await asyncio.gather(*map(self._forward_in_order, by_target.values()))
        self._metrics.forwarded.inc(len(forwards))

    async def _forward_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        try:
            await self._publisher.publish_in_order(outgoing)
        except RefusedError:  # one of them: find it (what went through before is known by its origin)
            for one in outgoing:
                try:
                    await self._publisher.publish_in_order([one])
                except RefusedError as error:
                    await self._bury([unpublished_letter(one, error)])


def _cut(letter: Outgoing) -> Outgoing:
    """A dead letter that is too long even for its topic, with the begin of its value and our headers alone."""
    value, ours = letter.value or b"", [one for one in letter.headers if one[0].startswith(HEADER_PREFIX)]
    log.error("dead_letter_truncated", **{name: content.decode() for name, content in ours if name in _PLACE})
    return Outgoing(letter.topic, None, value[:_TRUNCATED_BYTES], [*ours, (TRUNCATED_HEADER, b"%d" % len(value))])
