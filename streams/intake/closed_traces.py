"""Which traces were closed, so that late spans are told and a replay repeats no part of them."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_REMEMBERED = 200_000


def fingerprint(trace_id: str) -> int:
    """64 bits that stand for a trace id.

    >>> fingerprint("4bf92f3577b34da6a3ce929d0e0e4736") == fingerprint("4bf92f3577b34da6a3ce929d0e0e4737")
    False
    """
    return int.from_bytes(blake2b(trace_id.encode(), digest_size=8).digest(), "little")


class ClosedTraces:
    """Closed traces in the order of their closing, each with the offset and the watermark at which it was closed.

    A record of a closed trace at a lower offset belongs to what was closed, one at a higher offset is late.
    """

    def __init__(self) -> None:
        self._closed: dict[int, tuple[int, int]] = {}
        self._latest = (-1, -1)

    def __len__(self) -> int:
        return len(self._closed)

    def __iter__(self) -> Iterator[int]:
        return iter(self._closed)

    def add(self, trace: int, offset: int, watermark_ms: int) -> None:
        """The trace was closed while the record at ``offset`` was taken."""
        self._closed.pop(trace, None)
        if self._latest != (offset, watermark_ms):  # many are closed at once, and share what is kept of it
            self._latest = (offset, watermark_ms)
        self._closed[trace] = self._latest

    def closed_at(self, trace: int) -> int | None:
        """The offset at which the trace was last closed, if it was."""
        found = self._closed.get(trace)
        return None if found is None else found[0]

    def forget(self, low: int, before_ms: float) -> None:
        """Forget traces closed below offset ``low`` (no replay goes there) and before a watermark, or too many."""
        gone: list[int] = []
        for trace, (offset, closed_ms) in self._closed.items():
            if offset >= low or (closed_ms >= before_ms and len(self._closed) - len(gone) <= _REMEMBERED):
                break
            gone.append(trace)
        for trace in gone:
            del self._closed[trace]

    def pack(self) -> tuple[bytes, bytes, bytes]:
        """Fingerprints, offsets and watermarks as little-endian 64-bit numbers."""
        traces = np.fromiter(self._closed, dtype="<u8", count=len(self._closed))
        places = np.array(list(self._closed.values()), dtype="<i8").reshape(-1, 2)
        return traces.tobytes(), places[:, 0].tobytes(), places[:, 1].tobytes()

    @classmethod
    def unpack(cls, traces: bytes, offsets: bytes, watermarks_ms: bytes) -> "ClosedTraces":
        """What ``pack`` gave.

        Raises:
            ValueError: the three are not of one length.
        """

        def numbers(packed: bytes, kind: str) -> NDArray[np.int64]:
            return np.frombuffer(packed, dtype=kind)

        restored = cls()
        columns = (numbers(traces, "<u8"), numbers(offsets, "<i8"), numbers(watermarks_ms, "<i8"))
        for trace, offset, watermark_ms in zip(*(column.tolist() for column in columns), strict=True):
            restored.add(trace, offset, watermark_ms)
        return restored
