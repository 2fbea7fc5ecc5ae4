"""One open trace: what came of it and when, and what was told of it."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tracehound.schemas.join_checkpoint import LongTrace
from tracehound.schemas.spans import TraceChunk
from tracehound.streams.intake.closed_traces import fingerprint

TRACE_BYTES = 700
"""Memory of one open trace beside its spans."""
CHUNK_BYTES = 150
"""Memory of one piece of a trace beside its bytes."""

NOTHING: Mapping[int, int] = {}
"""What was told of most traces until they are closed. The collector of garbage has less to do with one for all."""

_decode_chunk = msgspec.msgpack.Decoder(TraceChunk).decode


class OpenTrace(msgspec.Struct):
    """An open trace (a ``Struct`` is made in a third of the time of a dataclass).

    ``pieces`` are ``TraceChunk`` in MessagePack, ``clocks`` the source's clock when each came, in milliseconds.
    ``trace`` is its fingerprint; ``told`` has the marks of what begins nothing any more, with the number of segments
    that were told. ``judged_ms`` is the watermark when it was last looked at, ``changed`` whether something came since,
    ``pending`` whether executions are left to be told. A ``long`` one is kept in checkpoints as a whole.
    """

    first_offset: int
    first_ms: int
    last_ms: int
    late: bool
    trace: int
    judged_ms: float
    due_ms: int = 0
    spans: int = 0
    size: int = TRACE_BYTES
    changed: bool = True
    pending: bool = False
    long: bool = False
    pieces: list[msgspec.Raw] = []
    clocks: list[int] = []
    told: Mapping[int, int] = msgspec.field(default_factory=lambda: NOTHING)

    def replace(self, clocks: list[int], pieces: list[msgspec.Raw]) -> None:
        """Keep these pieces and no others."""
        self.clocks, self.pieces, self.size = clocks, pieces, size_of(pieces)

    def packed(self, trace_id: str) -> LongTrace:
        """The trace for a checkpoint."""
        pieces = list(zip(self.clocks, self.pieces, strict=True))
        return LongTrace(
            trace_id,
            self.first_offset,
            self.first_ms,
            self.last_ms,
            self.late,
            self.spans,
            pieces,
            self.changed,
            self.pending,
        )

    @classmethod
    def unpacked(cls, kept: LongTrace, judged_ms: float) -> "OpenTrace":
        """What ``packed`` gave, but for what was told."""
        trace = fingerprint(kept.trace_id)
        restored = cls(kept.first_offset, kept.first_ms, kept.last_ms, kept.late, trace, judged_ms, spans=kept.spans)
        restored.long, restored.changed, restored.pending = True, kept.changed, kept.pending
        restored.replace([clock_ms for clock_ms, _ in kept.pieces], [piece.copy() for _, piece in kept.pieces])
        return restored


def size_of(pieces: Iterable[msgspec.Raw]) -> int:
    """Memory of a trace of these pieces, in bytes."""
    return TRACE_BYTES + sum(len(piece) + CHUNK_BYTES for piece in pieces)


def readable(pieces: Sequence[msgspec.Raw]) -> list[TraceChunk | None]:
    """The pieces, decoded; None for one that is none."""
    try:
        return list(map(_decode_chunk, pieces))
    except (ValueError, RecursionError):
        return [_read(piece) for piece in pieces]


def _read(piece: msgspec.Raw) -> TraceChunk | None:
    try:
        return _decode_chunk(piece)
    except (ValueError, RecursionError):  # who asks counts what is missing
        return None
