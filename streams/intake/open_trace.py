"""One open trace: what came of it and when, and what was told of it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from tracehound.schemas.join_checkpoint import LongTrace
from tracehound.schemas.spans import TraceChunk
from tracehound.streams.intake.closed_traces import fingerprint

TRACE_BYTES = 700
"""Memory of one open trace beside its spans."""
CHUNK_BYTES = 150
"""Memory of one piece of a trace beside its bytes."""

Piece = tuple[int, msgspec.Raw]
"""A ``TraceChunk`` in MessagePack, and the source's clock when it came, in milliseconds."""

_decode_chunk = msgspec.msgpack.Decoder(TraceChunk).decode


@dataclass(slots=True)
class OpenTrace:
    """An open trace.

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
    pieces: list[Piece] = field(default_factory=list)
    told: dict[int, int] = field(default_factory=dict)

    def replace(self, pieces: list[Piece]) -> None:
        """Keep these pieces and no others."""
        self.pieces = pieces
        self.size = TRACE_BYTES + sum(len(piece) + CHUNK_BYTES for _, piece in pieces)

    def packed(self, trace_id: str) -> LongTrace:
        """The trace for a checkpoint."""
        return LongTrace(
            trace_id, self.first_offset, self.first_ms, self.last_ms, self.late, self.spans, list(self.pieces)
        )

    @classmethod
    def unpacked(cls, kept: LongTrace, judged_ms: float) -> "OpenTrace":
        """What ``packed`` gave, but for what was told."""
        trace = fingerprint(kept.trace_id)
        restored = cls(kept.first_offset, kept.first_ms, kept.last_ms, kept.late, trace, judged_ms, spans=kept.spans)
        restored.long = True
        restored.replace([(clock_ms, piece.copy()) for clock_ms, piece in kept.pieces])
        return restored


def readable(pieces: Iterable[Piece]) -> list[tuple[int, TraceChunk | None]]:
    """The pieces, decoded, each with when it came; None for one that is none."""
    return [(clock_ms, _read(piece)) for clock_ms, piece in pieces]


def _read(piece: msgspec.Raw) -> TraceChunk | None:
    with suppress(ValueError, RecursionError):  # who asks counts what is missing
        return _decode_chunk(piece)
    return None
