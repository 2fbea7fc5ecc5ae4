"""Joins whole traces in columns, writes their executions, and counts their calls."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import numpy as np

from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.join_executions import join_traces
from tracehound.detectors.columns.join_spans import ROOM
from tracehound.detectors.columns.read_pieces import FITS, PIECE_COLUMNS, SHAPE_ROOM, read_pieces
from tracehound.detectors.columns.trace_columns import (
    CLIPPED,
    EXECUTION_COLUMNS,
    FIRST,
    LAST,
    MARKS,
    SEGMENT_COLUMNS,
    SPAN_COLUMNS,
    TRACE_COLUMNS,
)
from tracehound.detectors.columns.write_executions import NO_ROOM, WRITTEN_AT, write_executions
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.intake.call_counter import CallCounter
from tracehound.streams.intake.columned.peers import KnownPeers
from tracehound.streams.intake.columned.shapes import Shapes
from tracehound.streams.intake.columned.written import Written
from tracehound.streams.intake.peer_names import PeerNames

_LEAST_SPANS, _LEAST_BYTES = 1_024, 65_536
_MOST_CREDIT, _SPANS_A_CREDIT = 1_000, 20
"""What is learned of shapes costs as much as several spans: where every one has another, few are learned."""


class ColumnedTraces:
    """Joins some traces at a time; what it holds of them is good until the next ones.

    What comes out is what ``assembly`` makes of the same pieces, to the byte, or nothing: then they are for that.

    Parameters:
        limits: what workers take; executions beyond are left to those who can cut them.
    """

    def __init__(self, peers: PeerNames, calls: CallCounter, limits: Limits) -> None:
        self._names, self._calls = peers, calls
        self._limits: Final = np.array([limits.max_segments, limits.max_event_bytes], np.int64)
        self._work: Final = np.zeros(max(ROOM, SHAPE_ROOM), np.int64)
        self._shape: Final = np.zeros(SHAPE_ROOM, np.uint8)
        self._unknown: Final = np.zeros((_MOST_CREDIT, 3), np.int64)
        self._output = np.zeros(_LEAST_BYTES, np.uint8)
        self._traces = np.zeros((0, TRACE_COLUMNS), np.int64)
        self._bounds = np.zeros(1, np.int64)
        self._ids: list[str] = []
        self._json_ids: tuple[Any, Any] | None = None
        self._credit = _MOST_CREDIT
        self._begin_anew()
        self._grow(_LEAST_SPANS)

    def _begin_anew(self) -> None:
        self._known = Shapes()
        self._peers = KnownPeers(self._names, self._known.texts)
        self._calls.number_by(self._known.texts)

    def _grow(self, spans: int) -> None:
        """Make room for so many spans at once."""
        self._read, self._durations = np.zeros((spans, PIECE_COLUMNS), np.int64), np.zeros(spans)
        self._spans, self._times = np.zeros((spans, SPAN_COLUMNS), np.int64), np.zeros((spans, 2))
        self._executions = np.zeros((spans, EXECUTION_COLUMNS), np.int64), np.zeros(spans)
        self._segments = np.zeros((2 * spans, SEGMENT_COLUMNS), np.int64), np.zeros((2 * spans, 3))
        self._marks = np.zeros(spans, np.uint32)
        self._places = np.zeros((spans + 1, 3), np.int64)

    def join(self, traces: Sequence[tuple[str, Sequence[msgspec.Raw]]], spans: int) -> list[bool]:
        """Join traces, each an id and all of its pieces; says of each whether columns were enough for it.

        ``spans`` is how many there are in all of them together; where there are more, some do not fit.
        """
        if self._known.full:
            self._begin_anew()
        if spans > len(self._durations):
            self._grow(2 * spans)
        self._credit = min(_MOST_CREDIT, self._credit + spans // _SPANS_A_CREDIT)
        self._ids, self._json_ids = [trace_id for trace_id, _ in traces], None
        pieces = [piece for _, some in traces for piece in some]
        ends = np.empty((len(pieces), 2), np.int64)
        np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=ends[:, 0])
        ends[:, 1] = np.repeat(np.arange(len(traces)), [len(some) for _, some in traces])
        together = b"".join((*pieces, PADDING))
        text = np.frombuffer(together, np.uint8)
        fits, self._bounds = np.zeros(len(traces), np.int8), np.zeros(len(traces) + 1, np.int64)
        missing = -1
        while missing:
            missing = read_pieces(
                *(text, ends, fits, self._bounds),
                *(self._known.resource_keys.tables, self._known.shape_keys.tables),
                *(self._read, self._durations, self._unknown[: self._credit], self._shape),
            )
            if not self._learn(together, self._unknown[:missing].tolist()):
                break
        self._traces = np.zeros((len(traces), TRACE_COLUMNS), np.int64)
        join_traces(
            *(fits, self._bounds, self._read, self._durations, self._columns()),
            *(self._spans, self._times, self._traces, self._executions, self._segments, self._marks, self._work),
        )
        return [one == FITS for one in fits.tolist()]

    def _learn(self, pieces: bytes, unknown: Sequence[tuple[int, int, int]]) -> bool:
        """Take up what was not known; says whether that was anything."""
        if not unknown:
            return False
        news = {(what, pieces[begin:end]) for what, begin, end in unknown}
        self._credit -= len(news)
        return self._known.learn_all(news)

    def _columns(self) -> tuple[Any, ...]:
        known = self._known
        return known.resources, known.shapes, known.texts.bytes, known.texts.ends

    def figures(self) -> list[tuple[int, int, bytes]]:
        """Of each trace how many executions it has and how many clipped calls, and its marks (``beginnings``)."""
        return [
            (row[LAST] - row[FIRST], row[CLIPPED], self._marks[first : first + row[MARKS]].tobytes())
            for row, first in zip(self._traces.tolist(), self._bounds.tolist(), strict=False)
        ]

    def write(self, first: int, last: int) -> tuple[int, list[Written]]:
        """Write the executions of the traces [``first``, ``last``), name those they called, and count their calls.

        Returns the trace at which it ended, and the executions before. Unless it is ``last``, that trace tells
        something new of whom it called, or is too large: it is for objects, and the rest is to be written after that.
        """
        begun = int(self._traces[first, FIRST])
        self._places[begun, WRITTEN_AT] = 0
        calls = self._calls.arrays(2 * int(self._bounds[last] - self._bounds[first]))
        known = (*self._columns(), *self._ids_in_json())
        reached, why = first, NO_ROOM
        while why == NO_ROOM:
            reached, why = write_executions(
                *(reached, last, self._traces, self._executions, self._segments, self._spans, self._times),
                *(known, self._peers.arrays(), calls, (self._output, self._places), self._limits),
            )
            if why == NO_ROOM:
                self._output = np.concatenate([self._output, np.zeros_like(self._output)])
        return reached, self._written(first, reached)

    def _ids_in_json(self) -> tuple[Any, Any]:
        if self._json_ids is None:
            encoded = list(map(msgspec.json.encode, self._ids))
            ends = np.zeros(len(encoded) + 1, np.int64)
            np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=ends[1:])
            self._json_ids = np.frombuffer(b"".join(encoded), np.uint8), ends
        return self._json_ids

    def _written(self, first: int, last: int) -> list[Written]:
        if first == last:
            return []
        begun, ended = int(self._traces[first, FIRST]), int(self._traces[last - 1, LAST])
        places = self._places[begun : ended + 1].tolist()
        text = self._output[: places[-1][WRITTEN_AT]].tobytes()
        starts, texts = self._executions[1][begun:ended].tolist(), self._known.texts.texts
        executions = zip(starts, places, places[1:], strict=False)
        made: list[Written] = []
        for trace_id, (begin, end, *_) in zip(self._ids[first:last], self._traces[first:last].tolist(), strict=True):
            for started_s, (at, service, word), following in islice(executions, end - begin):
                made.append(Written(started_s, trace_id, word, texts[service], text[at : following[WRITTEN_AT]]))
        return made
