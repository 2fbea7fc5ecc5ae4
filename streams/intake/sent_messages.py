"""When messages were sent, remembered beyond their traces: consumers that are behind, or link, come much later."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from tracehound.schemas.spans import Span, TraceChunk
from tracehound.streams.intake.assembly.queues import is_send, sending_ended_ns

REMEMBERED = 65_536
"""Messages that a partition of the spans topic remembers; of more, those that were told first are forgotten."""
TOLD_AT_ONCE = 16_384
"""Messages that one tick tells of; of more, the newest."""
_BLOCK = 4_096
_ENTRY = np.dtype([("sender", "<u8"), ("ended_ns", "<i8")])


def told_of(trace_id: str, chunk: TraceChunk) -> bytes:
    """What is to be remembered of the messages that the spans of a piece of a trace sent, 16 bytes each."""
    return packed_ends(
        [(trace_id, span.id, sending_ended_ns(span)) for _, spans in chunk.spans for span in spans if sends(span)]
    )


def sends(span: Span) -> bool:
    """Whether messages that a span sent are to be remembered."""
    return span.kind == "producer" or (span.message is not None and span.kind == "client" and is_send(span))


def packed_ends(ended: Sequence[tuple[str, str, int]]) -> bytes:
    """The same of trace and span ids of what sent, and when that ended, epoch nanoseconds."""
    if not ended:
        return b""
    return np.array([(_sender(trace_id, span_id), end_ns) for trace_id, span_id, end_ns in ended], _ENTRY).tobytes()


def newest(told: bytes) -> bytes:
    """The newest of what was told, as much as one tick may hold."""
    return told[-TOLD_AT_ONCE * _ENTRY.itemsize :]


def _sender(trace_id: str, span_id: str) -> int:
    return int.from_bytes(blake2b(f"{trace_id}/{span_id}".encode(), digest_size=8).digest(), "little")


class SentMessages:
    """When the newest messages were sent, by the span that sent them.

    The newest are in a table, those before in sorted blocks of 16 bytes each: they are asked for seldom, and many.

    >>> from tracehound.schemas.spans import Resource, Span
    >>> sent = SentMessages()
    >>> span = Span("", "send", -1, None, 5.0, id="s", start_ns=1_000, kind="producer")
    >>> sent.add(told_of("a", TraceChunk([(Resource("shop"), [span])])))
    >>> sent.sent_at("a", "s"), sent.sent_at("b", "s")
    (6000, None)
    """

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._blocks: list[NDArray[np.void]] = []

    def add(self, told: bytes) -> None:
        """Remember what ``told_of`` gave; what is no whole number of entries is none."""
        if not told or len(told) % _ENTRY.itemsize:
            return
        for sender, ended_ns in np.frombuffer(told, _ENTRY).tolist():
            self._newest[sender] = ended_ns
            if len(self._newest) >= _BLOCK:
                self._put_by()

    def _put_by(self) -> None:
        block = np.array(list(self._newest.items()), _ENTRY)
        self._blocks.append(np.sort(block, order="sender"))
        self._newest = {}
        del self._blocks[: -REMEMBERED // _BLOCK]

    def sent_at(self, trace_id: str, span_id: str) -> int | None:
        """When the sending ended of what a span sent, epoch nanoseconds; None where nothing is known of it."""
        if not self._newest and not self._blocks:
            return None
        sender = _sender(trace_id, span_id)
        if sender in self._newest:
            return self._newest[sender]
        key = np.uint64(sender)
        for block in reversed(self._blocks):
            place = int(np.searchsorted(block["sender"], key))
            if place < len(block) and block["sender"][place] == key:
                return int(block["ended_ns"][place])
        return None

    def pack(self) -> bytes:
        """All of it, for a checkpoint."""
        return b"".join([*(block.tobytes() for block in self._blocks), *self._packed_newest()])

    def _packed_newest(self) -> Iterable[bytes]:
        if self._newest:
            yield np.array(list(self._newest.items()), _ENTRY).tobytes()

    @classmethod
    def unpack(cls, packed: bytes) -> "SentMessages":
        """What ``pack`` gave."""
        restored = cls()
        restored.add(packed)
        return restored
