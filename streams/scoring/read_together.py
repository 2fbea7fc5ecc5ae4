"""Reads records at once of which nothing is refused or known already, as nearly all are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiokafka import ConsumerRecord

from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.schemas.codec import decode_unread
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.forwarding import Origin, Partitioner
from tracehound.streams.kafka.origin_bounds import OriginBounds
from tracehound.streams.kafka.origin_columns import OriginColumns, OriginReader
from tracehound.streams.kafka.record_time import EARLIEST_MS, judged_at_s
from tracehound.streams.scoring.news import all_news
from tracehound.streams.scoring.read_columns import ColumnReader, ReadRecords
from tracehound.streams.states.partitions import Partition

_MOST_AROUND = 500
"""Records that are opened one by one for the sake of reading them together, at the most."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Records of a partition whose heads forbid nothing. ``read``: their executions, where these have been read."""

    records: ColumnedRecords
    origins: OriginColumns
    read: ReadRecords | None = None


@dataclass(frozen=True, slots=True)
class TakenUp:
    """Records whose executions are all to be scored, and what their partition has noted of their origins."""

    read: ReadRecords
    news: list[tuple[ApplicationKey, Origin]]
    origins_refused: int


class TogetherReader:
    """Reads the records of one topic. What it does not read has left no trace.

    Parameters:
        columns: reads their values.
        origins: reads their origins; records with one of its marks are not read.
        partitioner: gives the partition of an application.
        executions: tells what there is around values that are no plain JSON.
        limits: what a record must keep.
        bounds: which origins are believed; None for all.
        clock: wall time in epoch seconds; the future of records without a time is judged by it.
    """

    def __init__(
        self,
        columns: ColumnReader,
        origins: OriginReader,
        partitioner: Partitioner,
        executions: ExecutionReader,
        limits: Limits,
        bounds: OriginBounds | None,
        clock: Callable[[], float],
    ) -> None:
        self._columns = columns
        self._origins = origins
        self._partitioner = partitioner
        self._executions = executions
        self._limits = limits
        self._bounds = bounds
        self._clock = clock

    def read(self, partition: Partition, given: Sequence[ConsumerRecord]) -> TakenUp | None:
        """The executions of records, in order, of which there is at least one; their partition remembers that they were
        read. None, with nothing done, where one is refused, known already, or not to be scored here.
        """
        opened = self._open(partition, ColumnedRecords.of(given))
        if opened is None:
            return None
        read = self._columned(opened.records, self._oldest_s(opened.records))
        return None if read is None else self.take_up(partition, replace(opened, read=read))

    def open(
        self, runs: Sequence[tuple[Partition, Sequence[ConsumerRecord]]]
    ) -> tuple[list[Opened | None], ColumnedExecutions | None]:
        """The executions of several runs, read in one call, by which a few records of each cost no more than many of
        one; and those of all of them one after the other. None for a run, and for all, where one would not be read.

        Nothing is done yet: runs are to be taken up, or read by other means, one after the other.
        """
        opened = [self._open(partition, ColumnedRecords.of(records)) for partition, records in runs]
        whole = [one for one in opened if one is not None]
        if len(whole) < 2:
            return [None] * len(runs), None
        texts = PlacedTexts.joined([one.records.values for one in whole])
        read = self._columns.read_placed(texts, min(self._oldest_s(one.records) for one in whole))
        if read is None:
            return [None] * len(runs), None
        parts = iter(read.parts([len(one.records) for one in whole]))
        found = [None if one is None else replace(one, read=next(parts)) for one in opened]
        return found, read.executions if len(whole) == len(runs) else None

    def take_up(self, partition: Partition, opened: Opened) -> TakenUp | None:
        """The same as ``read`` of what is opened and read."""
        records, origins, read = opened.records, opened.origins, opened.read
        if read is None:
            return None
        heads = read.executions.heads
        applications = heads.applications()
        if not all(self._partitioner.partition_of(name) == records.partition for name, _ in applications):
            return None
        if partition.full and not applications.keys() <= partition.applications.keys():
            return None
        first = int(records.offsets[0])
        if partition.learned_to and any(first < partition.learned_to.get(key, 0) for key in applications):
            return None
        believed = origins if self._bounds is None else origins.of(self._bounds.believed(origins))
        news = all_news(partition, heads, read.records, believed)
        if news is None:
            return None
        for key, origin in news:
            partition.note_read(key, origin)
        return TakenUp(read, news, origins.count - believed.count)

    def _open(self, partition: Partition, records: ColumnedRecords) -> Opened | None:
        if int(records.offsets[0]) < partition.scored_to or records.has_nulls:
            return None
        origins = self._origins.read(records)
        return None if origins.marked else Opened(records, origins)

    def _oldest_s(self, records: ColumnedRecords) -> float:
        """A time that none of the records is older than, epoch seconds."""
        oldest_ms = int(records.timestamps_ms.min())
        if oldest_ms >= EARLIEST_MS:
            return oldest_ms / 1000.0
        now_s = self._clock()
        return min(judged_at_s(record, now_s) for record in records)

    def _columned(self, records: ColumnedRecords, oldest_s: float) -> ReadRecords | None:
        """The executions of records, also where there is something around each of them."""
        read = self._columns.read_placed(records.values, oldest_s)
        if read is not None or len(records) > _MOST_AROUND:
            return read
        if any(self._executions.holds_none(record.value) for record in records):
            return None
        first = records[0]
        if self._executions.content(value := first.value, first.headers) is not value:
            inner = [
                record.value
                if decode_unread([record.value], self._limits, oldest_s) is not None
                else self._executions.content(record.value, record.headers)
                for record in records
            ]
            read = self._columns.read(inner, oldest_s)
        return read
