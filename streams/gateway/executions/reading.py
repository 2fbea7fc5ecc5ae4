"""What a body of executions holds: records for Kafka, one application each, and what is wrong with the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.json_array import split_array
from tracehound.schemas.rejection import name_elements
from tracehound.streams.gateway.json_lines import RefusedLine, lines_of

RECORD_BYTES = 500_000
"""Executions of one application are put together into records about as long as this."""
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)


class _Named(msgspec.Struct):
    application: str


_NAMED = msgspec.json.Decoder(_Named)


@dataclass(slots=True)
class ReadExecutions:
    """Application and value of each record, how many executions they hold, and what was refused."""

    records: list[tuple[str, bytes]] = field(default_factory=list)
    accepted: int = 0
    refused: list[RefusedLine] = field(default_factory=list)


def read_executions(body: bytes, limits: Limits, now_s: float, by_line: bool = False) -> ReadExecutions:
    """Judge each execution as a worker would, and keep the bytes of the good ones as they came.

    Parameters:
        body: one execution, an array (of several applications, too), or one of either in each line.
        limits: what a record of executions must keep.
        now_s: what the future is judged against, in epoch seconds.
        by_line: it is said to be lines; else they are told by their content.

    >>> body = b'{"application":"shop","operation":"GET /","started_at":9,"duration_ms":5}'
    >>> read_executions(body, Limits(), 10.0).records == [("shop", body)]
    True
    """
    read = ReadExecutions()
    together = _Together(read.records)
    for number, content in lines_of(body, by_line):
        _read_line(number, content, limits, now_s, read, together.add)
    together.finish()
    return read


Add = Callable[[str, Sequence[bytes]], None]


def _read_line(number: int, line: bytes, limits: Limits, now_s: float, read: ReadExecutions, add: Add) -> None:
    decoded = decode_record(line, limits, now_s)
    if not decoded.rejected:
        if decoded.executions:
            read.accepted += len(decoded.executions)
            add(decoded.executions[0].application, [line])
        return
    if line[:1] != b"[" or any(not each.indexes for each in decoded.rejected):
        read.refused += [RefusedLine(number, each.error, each.reason, each.indexes) for each in decoded.rejected]
        return
    elements = split_array(line)
    for indexes in _by_application(elements):
        _read_elements(number, indexes, elements, limits, now_s, read, add)


def _read_elements(
    number: int,
    indexes: list[int],
    elements: list[bytes],
    limits: Limits,
    now_s: float,
    read: ReadExecutions,
    add: Add,
) -> None:
    """Those of an array's elements that say that they are of one application."""
    decoded = decode_record(b"[" + b",".join(elements[index] for index in indexes) + b"]", limits, now_s)
    wrong: set[int] = set()
    for each in decoded.rejected:
        places = tuple(indexes[index] for index in each.indexes)
        wrong.update(places)
        reason = f"{name_elements(places)}: {each.reason.partition(': ')[2]}" if places else each.reason
        read.refused.append(RefusedLine(number, each.error, reason, places))
    if decoded.executions:
        read.accepted += len(decoded.executions)
        add(decoded.executions[0].application, [elements[index] for index in indexes if index not in wrong])


def _by_application(elements: list[bytes]) -> Iterator[list[int]]:
    groups: dict[str | None, list[int]] = {}
    for index, element in enumerate(elements):
        try:
            name = _NAMED.decode(element).application
        except _ERRORS:
            name = None
        groups.setdefault(name, []).append(index)
    yield from groups.values()


def _within(line: bytes) -> bytes:
    """An execution, or the executions of an array, as they stand between brackets."""
    return line[1:-1] if line[:1] == b"[" else line


class _Together:
    """Puts executions of one application together, in their order, into records that are not too long."""

    def __init__(self, records: list[tuple[str, bytes]]) -> None:
        self._records = records
        self._waiting: dict[str, list[bytes]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, application: str, executions: Sequence[bytes]) -> None:
        for one in executions:
            if self._sizes.get(application, 0) + len(one) > RECORD_BYTES:
                self._write(application)
            self._waiting.setdefault(application, []).append(one)
            self._sizes[application] = self._sizes.get(application, 0) + len(one) + 1

    def finish(self) -> None:
        for application in list(self._waiting):
            self._write(application)

    def _write(self, application: str) -> None:
        waiting = self._waiting.pop(application, [])
        self._sizes.pop(application, None)
        if len(waiting) == 1:
            self._records.append((application, waiting[0]))
        elif waiting:
            self._records.append((application, b"[" + b",".join(map(_within, waiting)) + b"]"))
