"""A run of records, and what whoever reads in runs is told of their partitions."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from aiokafka import ConsumerRecord
from faust.types import TP

T = TypeVar("T")
_POLL_S = 0.01


class Run:
    """Consecutive records of one partition, as fetched. Acknowledge it once all that follows is safe.

    ``start`` is the offset of the first record, ``end`` the one after the last.
    """

    __slots__ = ("acked", "done", "end", "outstanding", "records", "start", "tp")

    def __init__(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        self.tp = tp
        self.records = records
        self.start = int(records[0].offset)
        self.end = int(records[-1].offset) + 1
        self.done = False
        self.acked = False
        self.outstanding = True

    def finish(self) -> None:
        """All records of the run are dealt with; the acknowledgement waits for something else."""
        self.done = True

    def release(self) -> None:
        """Let go of the records: they have been read, and only the acknowledgement is still to come."""
        self.records = ()

    def ack(self) -> None:
        """The run need not be read again; has no effect once the run is no longer outstanding."""
        self.done = self.acked = True

    async def once(self, find: Callable[[], T | None]) -> T | None:
        """What ``find`` finds, once there is anything; None once the run is no longer outstanding: its records then
        come again.

        The first run may arrive before the signal that its partition was assigned, and before its states are known.
        """
        while self.outstanding:
            found = find()
            if found is not None:
                return found
            await asyncio.sleep(_POLL_S)
        return None


MakeRun = Callable[[TP, Sequence[ConsumerRecord]], Run]
"""Makes a run of the records of a partition."""


class RunListener:
    """What whoever reads topics in runs is told of their partitions, and of no others.

    Each of these does nothing unless it is overridden. All are called in the app's loop.
    """

    expires = False
    """Whether nobody needs records any more that the broker deletes for their age."""
    took_s = 0.0
    """How many seconds runs took of late that were taken together; 0 where that does not matter to how many there are.

    It is no more than half of it what the last ones took: they took long because many had been gathered, and if as few
    came next as that asks for, many would come after them.
    """

    def note_taken(self, seconds: float) -> None:
        """Runs have been dealt with together, and took so long."""
        self.took_s = (self.took_s + seconds) / 2.0

    async def assigned(self, partitions: Collection[TP]) -> None:
        """These are read here from now on, and no others."""

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these committed offsets (None: nothing was committed yet, so at the start).

        Called after every assignment and whenever the consumer went back to what is committed.
        """

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """The broker no longer has offset ``wanted``; reading goes on at ``resumed_at``."""

    async def finish_runs(self) -> None:
        """Partitions are about to be revoked, or the app stops; until this returns nothing is handed over.

        Acknowledge every run that can be finished; this is cancelled when it takes too long.
        """
