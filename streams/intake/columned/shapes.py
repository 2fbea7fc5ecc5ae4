"""What is known of resources and of the shapes of spans, worked out once for all that have them."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.known_texts import KnownTexts
from tracehound.detectors.columns.numbered_texts import NumberedTexts
from tracehound.detectors.columns.read_pieces import UNKNOWN_RESOURCE
from tracehound.detectors.columns.trace_columns import (
    CLIENT,
    INTERNAL,
    NO_KIND,
    RESOURCE_COLUMNS,
    SERVER,
    SHAPE_COLUMNS,
)
from tracehound.detectors.columns.write_executions import SEGMENT_KINDS
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.operations import normalize_operation
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.assembly.entries import only_connects
from tracehound.streams.intake.assembly.executions import STATUSES
from tracehound.streams.intake.assembly.identity import ENTRY_KINDS, LONGEST_OPERATION, LONGEST_SERVICE, ROOT
from tracehound.streams.intake.assembly.outcome import outcome_of
from tracehound.streams.intake.assembly.segment_kinds import kind_of, segment_kind

MOST: Final = 8_192
"""Resources, and shapes, that are remembered; beyond, all are learned anew."""
_KINDS: Final = {None: NO_KIND, "internal": INTERNAL, "server": SERVER, "client": CLIENT}
_EXECUTION, _SEGMENT = Execution("", "", 0.0, 0.0), Segment("", 0.0)
_News = dict[tuple[bytes, bytes | None], int]
_encode = msgspec.msgpack.Encoder().encode
_decode_span = msgspec.msgpack.Decoder(Span).decode
_decode_resource = msgspec.msgpack.Decoder(Resource).decode


class Shapes:
    """The columns of resources and shapes (``detectors.columns.trace_columns``), and the texts in them.

    ``resource_keys`` and ``shape_keys`` have their numbers by how they are written.
    """

    def __init__(self) -> None:
        self.texts = KnownTexts()
        self.resource_keys, self.shape_keys = NumberedTexts(), NumberedTexts()
        self.resources: Slots = np.zeros((64, RESOURCE_COLUMNS), np.int64)
        self.shapes: Slots = np.zeros((256, SHAPE_COLUMNS), np.int64)
        self._keys: set[bytes] = set()
        self._counts = [0, 0]
        self._news: tuple[_News, _News] = ({}, {})

    @property
    def full(self) -> bool:
        """Whether as many are known as should be."""
        return max(*self._counts, len(self.texts.texts) // 8) >= MOST or self.resource_keys.full or self.shape_keys.full

    def learn_all(self, given: Iterable[tuple[int, bytes]]) -> bool:
        """Take up resources and spans, each as it is written; False where nothing is learned: they are known, neither,
        or there is no room.
        """
        learned = [self._learn(what, written) for what, written in given]
        for keys, news in zip((self.resource_keys, self.shape_keys), self._news, strict=True):
            if news:
                keys.add(news)  # (all at once: it takes as long as of one)
                news.clear()
        return any(learned)

    def _learn(self, what: int, written: bytes) -> bool:
        if self.full:
            return False
        try:
            if what == UNKNOWN_RESOURCE:
                return self._learn_resource(written)
            return self._learn_shape(_decode_span(written))
        except (ValueError, RecursionError):
            return False

    def _learn_resource(self, written: bytes) -> bool:
        row = self._of_resource(_decode_resource(written))
        count = self._counts[0]
        self.resources = _with_row(self.resources, count, row)
        self._news[0][written, None] = count
        self._counts[0] += 1
        return True

    def _learn_shape(self, span: Span) -> bool:
        key, count = _key_of(span), self._counts[1]
        if key in self._keys:  # it is not written as all are
            return False
        self._keys.add(key)
        self.shapes = _with_row(self.shapes, count, self._of_shape(span))
        self._news[1][key, None] = count
        self._counts[1] += 1
        return True

    def _of_resource(self, resource: Resource) -> tuple[int, ...]:
        number, service = self.texts.number, resource.service
        return (
            number(service) if 0 < len(service) <= LONGEST_SERVICE else -1,
            number(resource.environment),
            self.texts.piece(service.encode()),
            self._written(_EXECUTION, environment=resource.environment, version=resource.version, host=resource.host),
            self._written(_EXECUTION, attributes=dict(resource.places)),
        )

    def _of_shape(self, span: Span) -> tuple[int, ...]:
        guessed = segment_kind(span.operation, span.component, remote=True)
        local, remote = kind_of(span), kind_of(span, remote=True)
        own = local
        if span.kind in ENTRY_KINDS:
            local = remote = "code"
        if not _is_plain(span) or "queue" in (local, remote, guessed, own):
            return (0,) * SHAPE_COLUMNS
        error = outcome_of([span], 0, ()).error if span.is_error == 1 else span.error
        status = STATUSES.get(span.is_error, "error")
        span.parent = ROOT
        return (
            1,
            _KINDS[span.kind],
            span.is_error == 1,
            span.error is not None,
            span.segment is not None,
            only_connects(span),
            -1 if span.remote_parent is None else span.remote_parent,
            *map(SEGMENT_KINDS.index, (local, remote, guessed, own)),
            self.texts.number(span.operation),
            self.texts.number(normalize_operation(span.operation)),
            -1 if span.peer is None else self.texts.number(span.peer),
            self._written(_SEGMENT, status=status),
            self._written(_EXECUTION, status=status, result=span.result),
            self._written(_EXECUTION, error=error),
        )

    def _written(self, least: Execution | Segment, **fields: Any) -> int:
        """The number of these fields' JSON, as it is within that of an execution or segment."""
        return self.texts.piece(encode(msgspec.structs.replace(least, **fields))[len(encode(least)) - 1 : -1])


def _is_plain(span: Span) -> bool:
    """Whether columns are enough for a span: nothing in it is seldom."""
    return (
        span.kind in _KINDS
        and (span.service, span.parent, span.offset_us, span.type, span.resource) == ("", -1, None, None, None)
        and span.message is None
        and span.adjusted_count is None
        and 0 < len(span.operation) <= LONGEST_OPERATION
        and span.peer != ""
        and span.is_error in (None, 0, 1)
    )


def _key_of(span: Span) -> bytes:
    """How a span is written but for ids, start and duration."""
    return b"".join(
        _encode(getattr(span, name))
        for name in span.__struct_fields__
        if name not in ("duration_us", "id", "parent_id", "start_ns")
    )


def _with_row(rows: Slots, count: int, row: tuple[int, ...]) -> Slots:
    if count == len(rows):
        rows = np.concatenate([rows, np.zeros_like(rows)])
    rows[count] = row
    return rows
