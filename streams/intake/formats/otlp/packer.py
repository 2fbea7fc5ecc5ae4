"""Packs spans that were read into columns, without an object for any that is like others."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.known_texts import KnownTexts
from tracehound.detectors.columns.read_spans import ID_DIGITS, SpanColumns
from tracehound.detectors.columns.write_pieces import (
    GROUP_COLUMNS,
    LEFT_OUT,
    PARTS,
    PIECE_COLUMNS,
    TRACE_COLUMNS,
    group_spans,
    room_for,
    write_pieces,
)
from tracehound.detectors.packed.secret import SECRET_FACTOR, SECRET_SEED
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.assembly.queues import sending_ended_ns
from tracehound.streams.intake.formats.decoded import DecodedSpans, PackedSpans
from tracehound.streams.intake.sent_messages import sends

_MOST: Final = 60_000
_TRACE_DIGITS = 32
_encode = msgspec.msgpack.Encoder().encode


class Like(msgspec.Struct, frozen=True):
    """A span that others are like, its number for ``SpanPacker``, and whether it sends messages."""

    span: Span
    number: int = LEFT_OUT
    sends: bool = False


class Packing:
    """The spans of one record, taken one after the other as they are in its columns."""

    def __init__(self, ids: str) -> None:
        self.ids: NDArray[np.uint8] = np.frombuffer(bytearray(ids.encode() + PADDING), np.uint8)
        self.numbers: list[int] = []
        self.raws: list[bytes] = []
        self.unfinished = 0
        self.sent: list[tuple[str, str, int]] = []

    def add_whole(self, trace_id: bytes, span: Span | None) -> None:
        """The next span is written as a whole; None: it is left out."""
        if span is None:
            self.unfinished += 1
            self.numbers.append(LEFT_OUT)
            return
        begin = len(self.numbers) * ID_DIGITS
        self.ids[begin : begin + _TRACE_DIGITS] = np.frombuffer(trace_id.hex().encode(), np.uint8)
        self.raws.append(_encode(span))
        self.numbers.append(LEFT_OUT - len(self.raws))
        if sends(span):
            self.sent.append((trace_id.hex(), span.id, sending_ended_ns(span)))


class SpanPacker:
    """Writes pieces of traces as encoding ``TraceChunk`` of the same spans does, to the byte."""

    def __init__(self) -> None:
        self._secret = np.array([SECRET_SEED, SECRET_FACTOR], np.uint64)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all that spans were like."""
        self._texts = KnownTexts()
        self._likes: Slots = np.zeros((256, PARTS), np.int64)
        self._count = 0

    @property
    def full(self) -> bool:
        """Whether as much is remembered as should be."""
        return max(self._count, len(self._texts.texts) // PARTS) >= _MOST

    def like(self, span: Span) -> Like:
        """Remember what spans have in common with one."""
        fields = [_encode(getattr(span, name)) for name in span.__struct_fields__]
        if self._count == len(self._likes):
            self._likes = np.concatenate([self._likes, np.zeros_like(self._likes)])
        header = _encode([None] * len(fields))[: -len(fields)]
        parts = (header + b"".join(fields[:4]), b"".join(fields[5:9]), b"".join(fields[12:14]), b"".join(fields[15:]))
        self._likes[self._count] = [self._texts.piece(part) for part in parts]
        self._count += 1
        return Like(span, self._count - 1, sends(span))

    def pack(self, columns: SpanColumns, resources: Sequence[Resource], packing: Packing) -> DecodedSpans:
        """The spans of a record, packed; ``resources`` are as the columns number them."""
        of_resource = {resource: self._texts.piece(_encode(resource)) for resource in resources}
        places = {resource: place for place, resource in enumerate(of_resource)}
        own = np.array([places[resource] for resource in resources], np.int64)
        texts = np.array(list(of_resource.values()), np.int64)
        numbers = np.array(packing.numbers, np.int64)
        raws = np.frombuffer(b"".join(packing.raws) or PADDING, np.uint8)
        raw_ends = np.cumsum([0, *map(len, packing.raws)], dtype=np.int64)
        count = len(numbers)
        table = np.full((2, 1 << (2 * count).bit_length()), -1, np.int64)
        traces, groups = np.empty((count, TRACE_COLUMNS), np.int64), np.empty((count, GROUP_COLUMNS), np.int64)
        following = np.empty(count, np.int64)
        spans, ids = columns.spans, packing.ids
        trace_count, group_count = group_spans(spans, ids, numbers, own, self._secret, table, traces, groups, following)
        traces, groups = traces[:trace_count], groups[:group_count]
        known = self._texts.bytes, self._texts.ends
        output = np.empty(room_for(numbers, self._likes, known[1], raw_ends, groups, texts), np.uint8)
        pieces = np.empty((trace_count, PIECE_COLUMNS), np.int64)
        write_pieces(
            *(spans, ids, numbers, self._likes, known, (raws, raw_ends), texts),
            *(traces, groups, following, output, pieces),
        )
        written, digits = output.tobytes(), ids.tobytes().decode("ascii")
        begins = (traces[:, 0] * ID_DIGITS).tolist()
        packed = [
            (digits[at : at + _TRACE_DIGITS], spans_of, msgspec.Raw(written[begin:end]))
            for at, (begin, end, spans_of) in zip(begins, pieces.tolist(), strict=True)
        ]
        good = count - packing.unfinished
        return DecodedSpans(spans=good, unfinished=packing.unfinished, packed=PackedSpans(packed, packing.sent))
