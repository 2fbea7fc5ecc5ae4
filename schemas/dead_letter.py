"""Records that could not be used: original bytes, and headers that say where they came from and why."""

import msgspec

HEADER_PREFIX = "tracehound_"


class DeadLetter(msgspec.Struct):
    """A dead letter before it is sent: value and key are the original bytes, the rest become headers.

    ``stage`` is the part of tracehound that refused it (``decode``, ``validate``, ``score``), ``error`` the
    class of the error, ``reason`` one sentence with field, rule and value. ``timestamp_ms`` is the record's
    Kafka timestamp. ``headers`` are the record's own and are kept.
    """

    value: bytes | None
    key: bytes | None
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    stage: str
    error: str
    reason: str
    headers: list[tuple[str, bytes]] = []

    def wire_headers(self) -> list[tuple[str, bytes]]:
        """The record's own headers, then ours under the prefix ``tracehound_``.

        >>> letter = DeadLetter(b"{", b"shop", "executions.v1", 0, 7, 5, "decode", "InvalidJson", "Cut off.")
        >>> dict(letter.wire_headers())["tracehound_offset"]
        b'7'
        """
        ours = {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp_ms": self.timestamp_ms,
            "stage": self.stage,
            "error": self.error,
            "reason": self.reason,
        }
        return [*self.headers, *((HEADER_PREFIX + name, str(value).encode()) for name, value in ours.items())]
