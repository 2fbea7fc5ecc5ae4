"""Reads records of executions into columns; an object is made only of what the kernel leaves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.columned_executions import ColumnedExecutions
from tracehound.detectors.columns.heads import HeadNames, heads_of
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.detectors.columns.read_heads import HeadReader, ReadTexts
from tracehound.detectors.columns.read_segments import read_segments
from tracehound.schemas.codec import decode_unread
from tracehound.schemas.execution_rules import Limits


@dataclass(frozen=True, slots=True)
class ReadRecords:
    """The executions of records, in order, and the place of the record that each came from: ``records`` (n,)."""

    executions: ColumnedExecutions
    records: Slots

    def parts(self, counts: Sequence[int]) -> Iterator[Self]:
        """The executions of the first so many records, of the next ones, and so on."""
        ends = np.cumsum(counts)
        stops = np.searchsorted(self.records, ends).tolist()
        begin = start = 0
        for end, stop in zip(ends.tolist(), stops, strict=True):
            yield type(self)(self.executions[start:stop], self.records[start:stop] - begin)
            begin, start = end, stop


class ColumnReader:
    """Reads records that ``decode_record`` refuses nothing of, as nearly all are, and remembers the names in them.

    Parameters:
        limits: what a record must keep.
        normalize: turns an operation's name into its template.

    >>> record = b'{"application":"shop","operation":"GET /","started_at":9,"duration_ms":5}'
    >>> read = ColumnReader(Limits()).read([record, record], 10.0)
    >>> read.executions.columns.whole_ms.tolist()
    [5.0, 5.0]
    >>> ColumnReader(Limits()).read([record, b"["], 10.0) is None
    True
    """

    def __init__(self, limits: Limits, normalize: Callable[[str], str] | None = None) -> None:
        self._limits = limits
        self._normalize = normalize or str
        self._heads = HeadReader(self._normalize)

    @property
    def names(self) -> HeadNames:
        """Those that the next executions are numbered by."""
        return self._heads.names

    def read(self, values: Sequence[bytes | None], timestamp_s: float) -> ReadRecords | None:
        """The executions of records, the same as those of ``decode_record`` of each; None where any is refused, or
        might be.

        Parameters:
            timestamp_s: a Kafka timestamp in epoch seconds that none of the records is older than.
        """
        texts = [value for value in values if value is not None]
        return self.read_placed(PlacedTexts.of(texts), timestamp_s) if len(texts) == len(values) else None

    def read_placed(self, values: PlacedTexts, timestamp_s: float) -> ReadRecords | None:
        """``read`` of values where they lie."""
        if values.longest > self._limits.max_record_bytes:
            return None
        read = self._heads.read(values, self._limits.max_segments)
        if read is None or (read.bytes_each > self._limits.max_event_bytes).any():
            return None
        executions = self._completed(read, timestamp_s) if len(read.left) else read.executions
        if executions is None or (executions.heads.started_s > timestamp_s + self._limits.max_future_s).any():
            return None
        records = np.repeat(np.arange(len(values)), read.counts)
        if (read.counts > 1).any() and not self._limits.by_trace and not _belong_together(executions, records):
            return None
        return ReadRecords(executions, records)

    def _completed(self, read: ReadTexts, timestamp_s: float) -> ColumnedExecutions | None:
        """What the kernel left is decoded into objects; None where it is not valid, or its segments are unusual."""
        unread = decode_unread([read.unmade.json(row) for row in read.left.tolist()], self._limits, timestamp_s)
        columns = None if unread is None else read_segments(unread.executions, self._limits.max_segments)
        if unread is None or columns is None or columns.names is not read.executions.columns.names:
            return None
        for execution in unread.executions:
            execution.operation = self._normalize(execution.operation)
        heads = heads_of(unread.executions, read.executions.heads.names)
        return read.completed(ColumnedExecutions(unread.executions, heads, columns))


def _belong_together(executions: ColumnedExecutions, records: Slots) -> bool:
    """Whether the elements of each array are of one application."""
    heads = executions.heads
    first = np.searchsorted(records, records)
    others = np.flatnonzero(heads.application != heads.application[first])
    name = heads.names.applications.names
    return all(name[one][0] == name[other][0] for one, other in heads.application[[others, first[others]]].T.tolist())
