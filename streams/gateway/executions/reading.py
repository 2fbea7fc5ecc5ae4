"""What a body of executions holds: records for Kafka, one application each, and what is wrong with the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.rejection import ErrorName, RecordError, Rejection, name_elements, reject_record
from tracehound.streams.envelopes.json_envelopes import Opened
from tracehound.streams.envelopes.opener import ExecutionReader
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


def read_executions(
    body: bytes, limits: Limits, now_s: float, by_line: bool = False, reader: ExecutionReader | None = None
) -> ReadExecutions:
    """Judge each execution as a worker would, and keep the bytes of the good ones as they came.

    What is an execution only within an envelope, or by other names of its fields, is kept as what it is then.

    Parameters:
        body: one execution, an array (of several applications, too), or one of either in each line.
        limits: what a record of executions must keep.
        now_s: what the future is judged against, in epoch seconds.
        by_line: it is said to be lines; else they are told by their content.
        reader: opens envelopes, and knows the names.

    >>> body = b'{"application":"shop","operation":"GET /","started_at":9,"duration_ms":5}'
    >>> read_executions(body, Limits(), 10.0).records == [("shop", body)]
    True
    """
    judge = _Judge(limits, now_s, reader or ExecutionReader(limits))
    for number, content in lines_of(body, by_line):
        judge.take_line(number, content)
    judge.together.finish()
    return judge.read


class _Judge:
    """Judges the lines of one body."""

    def __init__(self, limits: Limits, now_s: float, reader: ExecutionReader) -> None:
        self._limits, self._now_s, self._reader = limits, now_s, reader
        self.read = ReadExecutions()
        self.together = _Together(self.read.records)

    def take_line(self, number: int, line: bytes, around: Opened | None = None) -> None:
        """A line, or what was in it, ``around`` which something was."""
        decoded = decode_record(line, self._limits, self._now_s)
        if not decoded.rejected:
            self._keep(decoded.executions, [line])
        elif line[:1] == b"[" and all(each.indexes for each in decoded.rejected):
            elements = split_array(line)
            for indexes in _by_application(elements):
                self._take_elements(number, indexes, elements, around)
        else:
            self._open_or_refuse(number, line, decoded.rejected, around)

    def _open_or_refuse(self, number: int, line: bytes, rejected: Sequence[Rejection], around: Opened | None) -> None:
        opened = None
        if around is None:
            try:
                opened = self._reader.opened(line)
            except RecordError as error:
                rejected = [reject_record(line, error.error, error.sentence)]
        if opened is not None:
            self.take_line(number, opened.content.strip(BLANK), opened)
        for each in () if opened is not None else rejected:
            self._refuse(number, each.error, each.reason, each.indexes, around)

    def _take_elements(self, number: int, indexes: list[int], elements: list[bytes], around: Opened | None) -> None:
        """Those of an array's elements that say that they are of one application."""
        array = b"[" + b",".join(elements[index] for index in indexes) + b"]"
        decoded = decode_record(array, self._limits, self._now_s)
        wrong = {indexes[index] for each in decoded.rejected for index in each.indexes}
        if around is None and (within := self._opened(elements, wrong)) is not None:
            for again in _by_application(elements, indexes):
                self._take_elements(number, again, elements, within)
            return
        for each in decoded.rejected:
            places = tuple(indexes[index] for index in each.indexes)
            reason = f"{name_elements(places)}: {each.reason.partition(': ')[2]}" if places else each.reason
            self._refuse(number, each.error, reason, places, around)
        self._keep(decoded.executions, [elements[index] for index in indexes if index not in wrong])

    def _opened(self, elements: list[bytes], wrong: Iterable[int]) -> Opened | None:
        """Put what is in wrong elements in their place, and give one that something was around."""
        found = None
        for index in wrong:
            try:
                opened = self._reader.opened(elements[index])
            except RecordError:
                continue
            if opened is not None and opened.content.strip(BLANK)[:1] == b"{":
                elements[index], found = opened.content, opened
        return found

    def _keep(self, executions: Sequence[Execution], encoded: Sequence[bytes]) -> None:
        if executions:
            self.read.accepted += len(executions)
            self.together.add(executions[0].application, encoded)

    def _refuse(
        self, number: int, error: ErrorName, reason: str, elements: tuple[int, ...], around: Opened | None
    ) -> None:
        told = around.told(reason) if around is not None else reason
        self.read.refused.append(RefusedLine(number, error, told, elements))


def _by_application(elements: list[bytes], among: Sequence[int] | None = None) -> Iterator[list[int]]:
    groups: dict[str | None, list[int]] = {}
    for index in range(len(elements)) if among is None else among:
        try:
            name = _NAMED.decode(elements[index]).application
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
