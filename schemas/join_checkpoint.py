"""The internal contract of the join's checkpoints: what a partition's join must know to go on, in numbered pieces."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Annotated

import msgspec

from tracehound.schemas.call_graph import CallGraph
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.spans import Stored

VERSION = 1
PIECE_BYTES = 700_000
_DIGEST_BYTES = 16

_Whole = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class LongTrace(msgspec.Struct, array_like=True):
    """What is left of a trace that goes on: its first offset, clocks of its first and last span, whether it is late.

    ``spans`` is how many came; ``pieces`` are ``TraceChunk`` in MessagePack with the clock when each came. It is looked
    at again soon if it has ``changed`` since the last time, or executions are ``pending``.
    """

    trace_id: str
    first_offset: _Whole
    first_ms: Stored
    last_ms: Stored
    late: bool
    spans: _Whole
    pieces: list[tuple[Stored, msgspec.Raw]]
    changed: bool = True
    pending: bool = True


class JoinCheckpoint(msgspec.Struct, array_like=True):
    """The join of one partition of the spans topic after all records below ``position``.

    Records below ``low`` are never needed again. ``sources`` are topic, partition, clock, when it was last heard
    of and last sequence of each; ``exceptions``, ``late`` and the ``closed_…`` columns are those of
    ``streams.intake.trace_buffer.JoinMemory`` (``late`` follows from ``closed``, but workers of 0.1.0 look for it);
    ``calls`` are counted and not yet told since ``calls_told_ms``. ``told`` has by fingerprint of an open trace the
    marks of what was told of it, with the number of segments; ``long`` are traces of which no record is needed.
    ``sent`` are messages that may still be taken, ``peers`` caller, environment, address, segment and who answers.
    Offsets are those of the spans topic ``topic_id``, and ``source_ids`` are the ids of the sources' topics, in their
    order (empty: not known).
    """

    position: _Whole
    low: _Whole
    now_ms: Stored
    watermark_ms: Annotated[float, msgspec.Meta(ge=-(2.0**62), le=2.0**62)] | None
    sources: list[tuple[str, int, Stored | None, Stored, Stored]]
    exceptions: list[tuple[int, int | None]]
    late: list[int]
    closed: bytes
    closed_offsets: bytes
    closed_watermarks_ms: bytes
    calls_told_ms: Stored
    calls: list[CallGraph]
    closed_counts: bytes = b""
    closed_marks: bytes = b""
    told: list[tuple[int, list[tuple[int, int]]]] = []
    long: list[LongTrace] = []
    sent: bytes = b""
    peers: list[tuple[str, str, str, str, str]] = []
    topic_id: str = ""
    source_ids: list[str] = []


class CheckpointPiece(msgspec.Struct, array_like=True):
    """The value of a record of the checkpoint topic: piece ``index`` of ``count`` of the checkpoint at ``position``.

    ``digest`` is that of the whole checkpoint (BLAKE2b, 16 bytes).
    """

    version: int
    partition: int
    position: _Whole
    index: _Whole
    count: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    digest: bytes
    piece: bytes


_decode_piece = msgspec.msgpack.Decoder(CheckpointPiece).decode
_decode_checkpoint = msgspec.msgpack.Decoder(JoinCheckpoint).decode
_encode = msgspec.msgpack.Encoder().encode


def pack_checkpoint(partition: int, checkpoint: JoinCheckpoint) -> list[bytes]:
    """The values of the records that hold a checkpoint."""
    packed = _encode(checkpoint)
    digest = blake2b(packed, digest_size=_DIGEST_BYTES).digest()
    pieces = [packed[begin : begin + PIECE_BYTES] for begin in range(0, len(packed), PIECE_BYTES)]
    return [
        _encode(CheckpointPiece(VERSION, partition, checkpoint.position, index, len(pieces), digest, piece))
        for index, piece in enumerate(pieces)
    ]


def unpack_checkpoint(
    partition: int, values: Iterable[bytes], is_of: Callable[[str], bool] = lambda _: True
) -> tuple[JoinCheckpoint | None, list[str]]:
    """The checkpoint of a partition with the highest position of which all pieces are there and sound.

    Parameters:
        is_of: whether a topic's id may be that of the topic which is there now: checkpoints of it come before others.

    Returns:
        The checkpoint, or None if there is none, and a sentence for each record or checkpoint that is unusable.
    """
    pieces: dict[tuple[int, bytes, int], dict[int, bytes]] = {}
    problems: list[str] = []
    for value in values:
        try:
            piece = _decode_piece(value)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            problems.append(f"A record of {len(value)} bytes is no piece of a checkpoint: {error}.")
            continue
        if piece.version != VERSION or piece.partition != partition:
            problems.append(
                f"A piece must be of version {VERSION} and partition {partition}. "
                f"Got version {piece.version} and partition {piece.partition} instead."
            )
            continue
        if piece.index >= piece.count:
            problems.append(f"A piece must be one of the {piece.count} it counts. Got number {piece.index} instead.")
            continue
        pieces.setdefault((piece.position, piece.digest, piece.count), {})[piece.index] = piece.piece
    others: list[JoinCheckpoint] = []
    for position, digest, count in sorted(pieces, reverse=True):
        found = pieces[position, digest, count]
        if len(found) < count:  # the writer was interrupted, or a later one replaced some pieces
            continue
        try:
            whole = _whole(b"".join(found[index] for index in range(count)), digest, position)
        except SnapshotError as error:
            problems.append(f"The checkpoint at {position} is unusable: {error}.")
            continue
        if is_of(whole.topic_id):
            return whole, problems
        others.append(whole)
    return next(iter(others), None), problems


def _whole(packed: bytes, digest: bytes, position: int) -> JoinCheckpoint:
    if blake2b(packed, digest_size=_DIGEST_BYTES).digest() != digest:
        raise SnapshotError("its digest is wrong")
    try:
        checkpoint = _decode_checkpoint(packed)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SnapshotError(str(error)) from error
    if checkpoint.position != position or checkpoint.low > position:
        raise SnapshotError(f"it is of position {checkpoint.position} and begins at {checkpoint.low}")
    return checkpoint
