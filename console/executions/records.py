"""Records of the topic of executions: which of them count here, and once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from tracehound.console.executions.origins import CountedOrigins
from tracehound.console.executions.recent import RecentExecution, recent_of
from tracehound.console.executions.rows import plain
from tracehound.schemas.codec import decode_unread
from tracehound.schemas.control import CONTROL_HEADER
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.kafka.forwarding import ORIGIN_PREFIX, Origin, Partitioner
from tracehound.streams.kafka.odd_records import UNREAD_HEADER

ReadOrigin = Callable[[Sequence[tuple[str, bytes]]], Origin | None]
"""Reads the origin in the headers of a record; None where it names none, or one that is not believed."""


class Message(NamedTuple):
    """A record of the topic. ``written_s`` is when it was written, in epoch seconds, else when it was read."""

    offset: int
    written_s: float
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class Counted:
    """The executions of records that count, and what led to them; and how many records do not.

    ``contents[i]`` is the JSON that ``executions[i]`` was in, its place there, and how many others share it.
    ``elsewhere`` are on the partition of another application: a worker forwards them to theirs, where they count.
    ``repeated`` are counted already, ``refused`` are no executions.
    """

    executions: list[ExecutionHead] = field(default_factory=list)
    contents: list[tuple[bytes, int, int]] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    elsewhere: int = 0
    repeated: int = 0
    refused: int = 0


class RecordReader:
    """Reads records of one topic as workers do, but for their segments. Never raises for a record, whatever it holds.

    Parameters:
        partitions: how many partitions the topic has.
        limits: what a record must keep.
        executions: reads what is no plain JSON.
        normalize: turns an operation's name into its template; None leaves names as they are.
        read_origin: where records that tracehound wrote itself came from.
    """

    def __init__(
        self,
        partitions: int,
        limits: Limits,
        executions: ExecutionReader,
        normalize: Callable[[str], str] | None,
        read_origin: ReadOrigin,
    ) -> None:
        self._limits, self._executions, self._normalize = limits, executions, normalize
        self._read_origin = read_origin
        self._partitioner = Partitioner(partitions)

    @staticmethod
    def recent(counted: Counted) -> Iterator[tuple[ApplicationKey, RecentExecution]]:
        """The executions as they are kept for a while, with whose they are."""
        for execution, (content, index, among) in zip(counted.executions, counted.contents, strict=True):
            yield (execution.application, execution.environment), recent_of(execution, content, index, among)

    def read(self, partition: int, messages: Sequence[Message], origins: CountedOrigins) -> Counted:
        """Read records of a partition, at least one, in their order.

        Parameters:
            origins: what is counted already; what is read now is not added to it.
        """
        counted = Counted()
        if not self._read_together(partition, messages, counted):
            newest: dict[tuple[str, int], int] = {}
            for message in messages:
                self._read(partition, message, origins, newest, counted)
        for one in counted.executions:
            if self._normalize is not None:
                one.operation = self._normalize(one.operation)
            one.application, one.environment = plain(one.application), plain(one.environment)
            one.operation = plain(one.operation)
        return counted

    def _read_together(self, partition: int, messages: Sequence[Message], counted: Counted) -> bool:
        """Read records as nearly all are; False, with nothing done, where any is not: of us, elsewhere, refused."""
        for message in messages:
            if message.headers and any(map(_is_ours, message.headers)):
                return False
        oldest_s = min(message.written_s for message in messages)
        unread = decode_unread([message.value for message in messages], self._limits, oldest_s)
        if unread is None or not all(
            self._is_here(partition, name) for name in {one.application for one in unread.executions}
        ):
            return False
        counted.executions += unread.executions
        values = [message.value or b"" for message in messages]
        if unread.counts is None:
            counted.contents += [(value, 0, 1) for value in values]
        else:
            for value, count in zip(values, unread.counts, strict=True):
                counted.contents += [(value, index, count) for index in range(count)]
        return True

    def _is_here(self, partition: int, application: str) -> bool:
        return self._partitioner.partition_of(application) == partition

    def _read(
        self,
        partition: int,
        message: Message,
        origins: CountedOrigins,
        newest: dict[tuple[str, int], int],
        counted: Counted,
    ) -> None:
        headers = message.headers
        if any(name in (CONTROL_HEADER, UNREAD_HEADER) for name, _ in headers):
            counted.refused += 1
            return
        decoded = self._executions.decode(message.value, headers, message.written_s)
        counted.refused += len(decoded.rejected)
        if not decoded.executions:
            return
        if not self._is_here(partition, decoded.executions[0].application):
            counted.elsewhere += 1
            return
        origin = self._read_origin(headers) if headers else None
        if origin is not None:
            if origin.offset <= newest.get(origin.source, -1) or origins.is_counted(partition, origin):
                counted.repeated += 1
                return
            newest[origin.source] = origin.offset
            counted.origins.append(origin)
        counted.executions += decoded.executions
        # what it was in may have been packed, or had other names: only what is read now is sure to be JSON
        counted.contents += [(msgspec.json.encode(one), 0, 1) for one in decoded.executions]


def _is_ours(header: tuple[str, bytes]) -> bool:
    return header[0].startswith(ORIGIN_PREFIX) or header[0] in (CONTROL_HEADER, UNREAD_HEADER)
