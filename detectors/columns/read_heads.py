"""Reads the JSON of executions straight into columns, their segments too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.columns.columned_executions import ColumnedExecutions, UnreadExecutions
from tracehound.detectors.columns.head_kernel import (
    ADJUSTED,
    BEGIN,
    DURATION,
    END,
    FAILED,
    KIND,
    LEFT,
    MEMORY,
    NAMED,
    NUMBERS,
    PLACES,
    STARTED,
    read_texts,
)
from tracehound.detectors.columns.heads import HeadNames, Heads
from tracehound.detectors.columns.numbered_texts import NumberedTexts
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.detectors.columns.read_segments import SHORTEST_SEGMENT, segments_read
from tracehound.detectors.columns.segment_columns import within
from tracehound.detectors.columns.segment_names import segment_names
from tracehound.schemas.execution import Environment, ExecutionHead, Label, Name, OperationName, UnreadExecution, whole

_SHORTEST: Final = len('{"application":"a","operation":"a","started_at":0,"duration_ms":0}')
"""Bytes; there is no shorter execution."""
_NAME, _OPERATION, _ENVIRONMENT, _VERSION, _ERROR = (
    msgspec.json.Decoder(kind) for kind in (Name, OperationName, Environment, Label, str)
)
_EXECUTION = msgspec.json.Decoder(UnreadExecution)


class UnmadeExecutions(UnreadExecutions):
    """Executions as their JSON, of which an object is made each time that one is asked for.

    ``begins`` and ``ends`` (n,) are their places in ``text`` (bytes,), which are valid; ``normalize`` turns an
    operation's name into its template.
    """

    def __init__(self, text: NDArray[np.uint8], begins: Slots, ends: Slots, normalize: Callable[[str], str]) -> None:
        self._text, self._begins, self._ends, self._normalize = text, begins, ends, normalize

    def __len__(self) -> int:
        return len(self._begins)

    def __iter__(self) -> Iterator[ExecutionHead]:
        return map(self.__getitem__, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> ExecutionHead: ...

    @overload
    def __getitem__(self, index: slice) -> "UnmadeExecutions": ...

    def __getitem__(self, index: int | slice) -> "ExecutionHead | UnmadeExecutions":
        if isinstance(index, slice):
            return UnmadeExecutions(self._text, self._begins[index], self._ends[index], self._normalize)
        execution = whole(self.head(index))
        execution.started_at = execution.started_s
        execution.operation = self._normalize(execution.operation)
        return execution

    def head(self, index: int) -> UnreadExecution:
        """One as it was sent, without its segments."""
        return _EXECUTION.decode(self.json(index))

    def json(self, index: int) -> bytes:
        """One as it was read."""
        return self._text[self._begins[index] : self._ends[index]].tobytes()


@dataclass(frozen=True, slots=True)
class ReadTexts:
    """The n executions of k texts, and how many each held: ``counts`` (k,).

    What the kernel does not read is ``left`` (m,), by row, to the decoder of objects, and of no meaning until it has
    been ``completed``. ``bytes_each`` (n,) is how long they are.
    """

    unmade: UnmadeExecutions
    executions: ColumnedExecutions
    counts: NDArray[np.int64]
    left: NDArray[np.int64]
    bytes_each: NDArray[np.int64]

    def completed(self, others: ColumnedExecutions) -> ColumnedExecutions:
        """All executions, given the m that were ``left``; numbered by the same names."""
        heads, columns = self.executions.heads, self.executions.columns
        return ColumnedExecutions(
            self.unmade, heads.with_rows(self.left, others.heads), columns.with_rows(self.left, others.columns)
        )


class HeadReader:
    """Reads texts, each an execution or an array of them, and remembers the names in them.

    Parameters:
        normalize: turns an operation's name into its template.

    >>> one = b'{"application":"shop","operation":"GET /","started_at":9,"duration_ms":5,"segments":[]}'
    >>> read = HeadReader().read(PlacedTexts.of([one, b"[%b,%b]" % (one, one)]), most=5)
    >>> read.counts.tolist(), read.left.tolist(), read.executions.heads.started_s.tolist()
    ([1, 2], [], [9.0, 9.0, 9.0])
    """

    def __init__(self, normalize: Callable[[str], str] = str) -> None:
        self._normalize = normalize
        self._begin()

    def _begin(self) -> None:
        self._names = HeadNames()
        self._texts = tuple(NumberedTexts() for _ in NAMED)

    @property
    def names(self) -> HeadNames:
        """Those that the next texts are numbered by."""
        if self._names.full or any(texts.full for texts in self._texts):
            self._begin()
        return self._names

    def read(self, texts: PlacedTexts, most: int) -> ReadTexts | None:
        """The executions of texts; None where they are no JSON, or none of executions. ``most`` is how many segments
        one may have.
        """
        text = texts.text
        if not texts.are_utf8:
            return None
        counts, room = np.empty(len(texts), np.int64), texts.total_bytes // _SHORTEST + len(texts)
        starts, places, numbers = (
            np.zeros(room + 1, np.int64),
            np.empty((room, PLACES), np.int64),
            np.empty((room, NUMBERS)),
        )
        segments_room = texts.total_bytes // SHORTEST_SEGMENT + 1
        segment_numbers, segment_places = np.empty((3, segments_room)), np.empty((6, segments_room), np.int64)
        names, of_segments = self.names, segment_names()
        n = read_texts(
            *(text, texts.begins, texts.ends, most, tuple(one.tables for one in self._texts)),
            *(of_segments.texts.tables, counts, starts, numbers, places, segment_numbers, segment_places),
        )
        if n < 0:
            return None
        numbers, places, starts = numbers[:n], places[:n], starts[: n + 1].copy()
        count = int(starts[n])
        try:
            heads = self._heads(text, names, numbers, places)
            durations_ms = within(numbers[:, DURATION].copy())
            found = segment_numbers[:, :count], segment_places[:, :count]
            columns = segments_read(text, of_segments, durations_ms, starts, *found)
        except msgspec.DecodeError:
            return None
        unmade = UnmadeExecutions(text, places[:, BEGIN].copy(), places[:, END].copy(), self._normalize)
        return ReadTexts(
            unmade,
            ColumnedExecutions(unmade, heads, columns),
            counts,
            np.flatnonzero(places[:, LEFT]),
            places[:, END] - places[:, BEGIN],
        )

    def _heads(self, text: NDArray[np.uint8], names: HeadNames, numbers: Floats, places: Slots) -> Heads:
        numbered = self._number(text, names, places)
        return Heads(
            names,
            *(numbered[0], numbered[1], numbered[2], places[:, KIND].copy(), numbers[:, STARTED].copy()),
            *(places[:, FAILED] != 0, numbered[3], within(numbers[:, MEMORY].copy()), numbers[:, ADJUSTED].copy()),
            *(np.empty(0, np.int64), []),
        )

    def _number(self, text: NDArray[np.uint8], names: HeadNames, places: Slots) -> list[Slots]:
        """The numbers of applications, operations, versions and errors; new names are given some.

        Raises:
            msgspec.DecodeError: one is not valid.
        """

        def application(name: bytes, environment: bytes | None) -> int:
            return names.applications[_decoded(_NAME, name), _decoded(_ENVIRONMENT, environment or b"")]

        def operation(name: bytes, _: bytes | None) -> int:
            return names.operations[self._normalize(_decoded(_OPERATION, name))]

        def version(name: bytes, _: bytes | None) -> int:
            return names.versions[_decoded(_VERSION, name)]

        def error(name: bytes, handled: bytes | None) -> int:
            return names.errors[_decoded(_ERROR, name), handled == b"true"]

        found = []
        for first, texts, number in zip(NAMED, self._texts, (application, operation, version, error), strict=True):
            numbers = places[:, first].copy()
            texts.number(text, numbers, places[:, first + 1 : first + 5].T, number)
            found.append(numbers)
        return found


def _decoded(decoder: "msgspec.json.Decoder[str]", text: bytes) -> str:
    return decoder.decode(b'"%b"' % text)
