"""Which traces were closed, so that late spans are told, what comes again is known and a replay repeats nothing."""

from collections.abc import Container, Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_REMEMBERED = 200_000
_REMEMBERED_MARKS = 1_000_000
_MARK_BYTES = 4
_MOST_OF_A_TRACE = 20_000 * _MARK_BYTES


def fingerprint(trace_id: str) -> int:
    """64 bits that stand for a trace id.

    >>> fingerprint("4bf92f3577b34da6a3ce929d0e0e4736") == fingerprint("4bf92f3577b34da6a3ce929d0e0e4737")
    False
    """
    return int.from_bytes(blake2b(trace_id.encode(), digest_size=8).digest(), "little")


class ClosedTraces:
    """Closed traces in the order of their closing, each with the offset and the watermark at which it was closed.

    A record of a closed trace at a lower offset belongs to what was closed, one at a higher offset is late. With each
    go the marks (``assembly.beginnings``) of what has begun an execution in it or might have.
    """

    def __init__(self) -> None:
        self._closed: dict[int, tuple[int, int]] = {}
        self._marks: dict[int, bytes] = {}
        self._marked_bytes = 0
        self._latest = (-1, -1)

    def __len__(self) -> int:
        return len(self._closed)

    def __iter__(self) -> Iterator[int]:
        return iter(self._closed)

    def add(self, trace: int, offset: int, watermark_ms: int, marks: bytes = b"") -> None:
        """The trace was closed while the record at ``offset`` was taken; ``marks`` come to those it had."""
        closed = self._closed
        if trace in closed:  # it goes to the end
            del closed[trace]
        if marks:
            before = self._marks.get(trace, b"")
            kept = self._marks[trace] = (before + marks)[-_MOST_OF_A_TRACE:]
            self._marked_bytes += len(kept) - len(before)
        latest = self._latest
        if latest[0] != offset or latest[1] != watermark_ms:  # many are closed at once, and share what is kept of it
            latest = self._latest = (offset, watermark_ms)
        closed[trace] = latest

    def closed_at(self, trace: int) -> int | None:
        """The offset at which the trace was last closed, if it was."""
        found = self._closed.get(trace)
        return None if found is None else found[0]

    def marks_of(self, trace: int) -> bytes:
        """The marks of what was in the trace when it was closed."""
        return self._marks.get(trace, b"")

    def forget(self, low: int, before_ms: float, but: Container[int] = ()) -> None:
        """Forget traces closed below offset ``low`` (no replay goes there) and before a watermark, or too many.

        Those in ``but`` are open again, and kept.
        """
        gone: list[int] = []
        marked_bytes = self._marked_bytes
        for trace, (offset, closed_ms) in self._closed.items():
            few = len(self._closed) - len(gone) <= _REMEMBERED and marked_bytes <= _MARK_BYTES * _REMEMBERED_MARKS
            if offset >= low or (closed_ms >= before_ms and few):
                break
            if trace not in but:
                gone.append(trace)
                marked_bytes -= len(self._marks.get(trace, b""))
        for trace in gone:
            del self._closed[trace]
            self._marks.pop(trace, None)
        self._marked_bytes = marked_bytes

    def pack(self) -> tuple[bytes, bytes, bytes]:
        """Fingerprints, offsets and watermarks as little-endian 64-bit numbers."""
        traces = np.fromiter(self._closed, dtype="<u8", count=len(self._closed))
        places = np.array(list(self._closed.values()), dtype="<i8").reshape(-1, 2)
        return traces.tobytes(), places[:, 0].tobytes(), places[:, 1].tobytes()

    def pack_marks(self) -> tuple[bytes, bytes]:
        """How many marks each trace has and the marks, as little-endian 32-bit numbers."""
        marks = [self._marks.get(trace, b"") for trace in self._closed]
        counts = np.fromiter(map(len, marks), dtype="<u4", count=len(marks)) // _MARK_BYTES
        return counts.astype("<u4").tobytes(), b"".join(marks)

    @classmethod
    def unpack(
        cls, traces: bytes, offsets: bytes, watermarks_ms: bytes, counts: bytes = b"", marks: bytes = b""
    ) -> "ClosedTraces":
        """What ``pack`` and ``pack_marks`` gave; earlier versions knew no marks.

        Raises:
            ValueError: they do not fit together.
        """

        def numbers(packed: bytes, kind: str) -> NDArray[np.int64]:
            return np.frombuffer(packed, dtype=kind)

        restored = cls()
        columns = (numbers(traces, "<u8"), numbers(offsets, "<i8"), numbers(watermarks_ms, "<i8"))
        sizes = numbers(counts or bytes(_MARK_BYTES * len(columns[0])), "<u4").astype(np.int64) * _MARK_BYTES
        if len(sizes) != len(columns[0]) or sizes.sum() != len(marks):
            raise ValueError(f"{len(marks)} bytes of marks must be those of {len(columns[0])} traces")
        at = 0
        for trace, offset, watermark_ms, size in zip(*(column.tolist() for column in (*columns, sizes)), strict=True):
            restored.add(trace, offset, watermark_ms, marks[at : at + size])
            at += size
        return restored
