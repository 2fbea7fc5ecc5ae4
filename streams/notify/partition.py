"""One partition of incidents: what its records lead to, and what of that is still owed to whom. Pure."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from aiokafka import ConsumerRecord

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.incident import IncidentEvent
from tracehound.streams.delivery.letters import failure_letter, letter_of
from tracehound.streams.notify.follow import IncidentFollower
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.offsets import Commit, Debts, OwedMessages
from tracehound.streams.notify.routing import Routes

DEAD_LETTERS = "(dead letters)"
"""Stands for a receiver where a record that is no incident is owed to the dead letters."""

_EVENT = msgspec.json.Decoder(IncidentEvent)


@dataclass(slots=True)
class Taken:
    """What a record leads to here: messages to send, or a dead letter."""

    notices: list[Notice] = field(default_factory=list)
    dead_letter: DeadLetter | None = None


class IncidentPartition:
    """A partition from its assignment until it is taken away.

    It is read from some way back. What was decided about records before ``debts.to`` is known by reading them again,
    and only what ``debts`` names of it is still to be sent.

    Parameters:
        begin: offset from which it is read.
        committed: offset that was committed last.
        debts: what is owed.
        topic_id: id of its topic; empty where nobody knows it.
    """

    def __init__(
        self, number: int, routes: Routes, begin: int, committed: int, debts: Debts, topic_id: str = ""
    ) -> None:
        self.number = number
        self.gone = asyncio.Event()
        self.position = begin
        self._debts = debts
        self._follower = IncidentFollower(routes)
        self._owed = OwedMessages(committed, topic_id)

    def caught_up(self) -> bool:
        """Whether everything was read again that had been read before; until then nothing may be committed."""
        return self.position >= self._debts.to

    def take(self, record: ConsumerRecord) -> Taken:
        """Decide about the next record."""
        taken = Taken()
        try:
            event = _EVENT.decode(record.value or b"")
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if self._add(DEAD_LETTERS, int(record.offset)):
                taken.dead_letter = letter_of(
                    record, record.value, "notify", "InvalidEvent", f"The record is no incident: {error}"
                )
        else:
            try:
                taken.notices = self._decide(event, record)
            except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be told)
                if self._add(DEAD_LETTERS, int(record.offset)):
                    taken.dead_letter = failure_letter(record, record.value, "notify", error)
        self._owed.read(int(record.offset))
        self.position = max(self.position, int(record.offset) + 1)
        return taken

    def _decide(self, event: IncidentEvent, record: ConsumerRecord) -> list[Notice]:
        decided = self._follower.take(event, record)
        for notice in decided.needless:
            self.done(notice.receiver, notice.offset)
        for notice in decided.held:
            self._add(notice.receiver, notice.offset)
        return [notice for notice in decided.now if self._add(notice.receiver, notice.offset)]

    def release(self, now_s: float) -> list[Notice]:
        """Messages that were held until ``now_s`` (epoch seconds) or earlier."""
        return [notice for notice in self._follower.release(now_s) if self._is_owed(notice)]

    def done(self, receiver: str, offset: int) -> None:
        """A message was taken or given up."""
        self._owed.done(receiver, offset)

    def told_before(self) -> Iterator[Notice]:
        """The last message to each receiver of incidents that are open, where it is not still to be sent."""
        return (notice for notice in self._follower.open_notices() if not self._is_owed(notice))

    def commit(self) -> Commit:
        """What to commit now, once all is ``caught_up``."""
        return self._owed.commit()

    def _add(self, receiver: str, offset: int) -> bool:
        owed = self._debts.include(receiver, offset)
        if owed:
            self._owed.add(receiver, offset)
        return owed

    def _is_owed(self, notice: Notice) -> bool:
        return self._owed.includes(notice.receiver, notice.offset)


def undelivered(notice: Notice, reason: str) -> DeadLetter:
    """The dead letter of a message that was given up for a reason, one sentence."""
    return letter_of(notice.record, notice.record.value, "notify", "NotDelivered", reason)
