"""How far one partition was handed over: which runs are out, where the next one begins, what may be committed. Pure."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from operator import attrgetter

from aiokafka import ConsumerRecord
from faust.types import TP

from tracehound.streams.kafka.bounded_parts import bytes_of
from tracehound.streams.kafka.runs.run import MakeRun, Run

_OFFSET = attrgetter("offset")


class Handover:
    """The runs of one partition, from the fetcher to the commit.

    ``runs`` are out, in order: neither committed nor given up.
    ``positioned`` says whether it is known where handing over goes on: at ``following``, or at the start if that is
    None. ``seeks`` grows with every seek, so that what a fetch from before one brings can be told. ``sought_at`` is
    when reading last began at the committed offset, epoch seconds; None where that is still to come. ``make_run`` makes
    a run of records.

    >>> records = [ConsumerRecord("t", 0, offset, 0, 0, None, b"", None, -1, -1, ()) for offset in (3, 4, 7)]
    >>> handover = Handover()
    >>> handover.go_on_at(4)
    >>> run = handover.new_run(TP("t", 0), records)
    >>> run.start, run.end, handover.following, handover.processed()
    (4, 8, 8, None)
    >>> run.ack()
    >>> handover.processed()
    8
    """

    def __init__(self, make_run: MakeRun = Run) -> None:
        self._make_run = make_run
        self.positioned = False
        self.seeks = 0
        self.sought_at: float | None = None
        self.runs: deque[Run] = deque()
        self._held: deque[tuple[Run, int]] = deque()  # those that may not have been read yet, and their bytes
        self._next: int | None = None
        self._passed = 0  # the fetcher's position while all that it had taken was handed over
        self._sought = False  # the fetcher has come to where handing over goes on; before, its position is another one
        self._processed: int | None = None  # the offset after the leading acknowledged runs
        self._unproven = False  # back at what is committed, and nothing handed over since

    # --- where it goes on

    @property
    def next(self) -> int | None:
        """The offset after the last run, or the one that was sought; None: at the start, or not ``positioned``."""
        return self._next

    @property
    def following(self) -> int | None:
        """The offset of the next record that may be handed over; None where reading begins at the start."""
        return self._next if self._next is None else max(self._next, self._passed)

    @property
    def sought(self) -> bool:
        """Whether the fetcher has come to where handing over goes on: what it takes before is from elsewhere."""
        return self._sought

    def go_on_at(self, offset: int | None) -> None:
        """The next run begins at this offset; None: at the start of what the broker has."""
        self.positioned = True
        self._next = offset

    def go_back_to(self, committed: int | None, now_s: float) -> None:
        """The next run begins at what is committed. Runs that are out are given up: their records come again."""
        self.give_up()
        self.go_on_at(committed)
        self.begin_seek()
        self.sought_at = now_s
        self._unproven = True

    def begin_seek(self) -> int:
        """The fetcher is about to be sent to where handing over goes on; returns the number of this seek."""
        self.seeks += 1
        self._passed = 0
        self._sought = False
        return self.seeks

    def end_seek(self, number: int) -> None:
        """The fetcher was sent there; of seeks that overlap only the end of the last one counts."""
        self._sought = number == self.seeks

    def pass_to(self, position: int) -> None:
        """The fetcher stands here with nothing left: records that are not for consumers lie before it, if any.

        While it is still to be sent elsewhere that says nothing.
        """
        if self._sought:
            self._passed = position

    def revoke(self) -> None:
        """The partition is another's now."""
        self.give_up()
        self.positioned = self._unproven = self._sought = False
        self._next = self.sought_at = None
        self._passed = 0

    # --- runs

    def leaves_out(self, records: Sequence[ConsumerRecord]) -> bool:
        """Whether the first records after a seek begin beyond what was sought: said once, since there may be none."""
        if not self._unproven or self._next is None:
            return False
        self._unproven = False
        return bool(records[0].offset > self._next)

    def new_run(self, tp: TP, records: Sequence[ConsumerRecord]) -> Run | None:
        """A run of those records that were not handed over before, if there are any."""
        start = self._next
        if start is not None and records[0].offset < start:
            records = records[bisect_left(records, start, key=_OFFSET) :]
        if not records:
            return None
        run = self._make_run(tp, records)
        self.runs.append(run)
        self._held.append((run, bytes_of(records)))
        self._sought = True  # whatever was said, or not, of the seek before
        self.go_on_at(run.end)
        return run

    def give_up(self) -> None:
        """Whatever is out is read again: acknowledging it counts no more."""
        for run in self.runs:
            run.outstanding = False
        self.runs.clear()
        self._processed = None
        self._passed = 0

    def processed(self) -> int | None:
        """The offset below which all is dealt with, since the last seek; None: that is unknown."""
        while self.runs and self.runs[0].acked:
            self._processed = self.runs.popleft().end
        if not self.runs and self.positioned and self._passed > (self._next or 0):
            return self._passed  # nothing lies between but records that are not for consumers, as of transactions
        return self._processed

    def held_bytes(self) -> int:
        """Bytes of the values of the records that were handed over and are not yet read."""
        while self._held and not (self._held[0][0].records and self._held[0][0].outstanding):
            self._held.popleft()
        return sum(size for _, size in self._held)

    @property
    def all_done(self) -> bool:
        """Whether all that was handed over has been dealt with."""
        return all(run.done for run in self.runs)

    @property
    def undone_from(self) -> int | None:
        """The first offset that was handed over and is not dealt with."""
        return next((run.start for run in self.runs if not run.done), None)
