"""Records that could not be used: original bytes, and headers that say where they came from and why."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

import msgspec

HEADER_PREFIX = "tracehound_"
FORMAT_HEADER = HEADER_PREFIX + "format"
"""Header of refused spans, also when they are sent again: what the record was recognised as that they were part of."""

RESENT_HEADER = HEADER_PREFIX + "resent"
"""Header of a record that was sent again: topic-partition-offset of the dead letter that it comes from."""

TRUNCATED_HEADER = HEADER_PREFIX + "truncated_from_bytes"
"""Header of a dead letter whose value had to be cut: how many bytes it had."""

Digits = Annotated[str, msgspec.Meta(pattern=r"^-?\d+$")]


class DeadLetterHeaders(msgspec.Struct, omit_defaults=True, rename=lambda name: HEADER_PREFIX + name):
    """The headers of a dead letter beyond those of the refused record, all of them text in UTF-8.

    ``topic``, ``partition``, ``offset`` and ``timestamp_ms`` say where and when the refused record was,
    ``stage`` which part of tracehound refused it, ``error`` is the class of the error and ``reason`` one
    sentence with field, rule and value. ``format`` is what the record of refused spans was recognised as.
    """

    topic: str
    partition: Digits
    offset: Digits
    timestamp_ms: Digits
    stage: str
    error: str
    reason: str
    format: str = ""


class DeadLetter(msgspec.Struct, gc=False):
    """A dead letter before it is sent: value and key are the original bytes, the rest become headers.

    ``stage`` is the part of tracehound that refused it (``decode``, ``validate``, ``score``), ``error`` the
    class of the error, ``reason`` one sentence with field, rule and value. ``timestamp_ms`` is the record's
    Kafka timestamp. ``headers`` are the record's own and are kept. ``format``: see ``Rejection``.
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
    format: str = ""

    def wire_headers(self) -> list[tuple[str, bytes]]:
        """The record's own headers, then ours under the prefix ``tracehound_``.

        >>> letter = DeadLetter(b"{", b"shop", "executions.v1", 0, 7, 5, "decode", "InvalidJson", "Cut off.")
        >>> dict(letter.wire_headers())["tracehound_offset"]
        b'7'
        """
        return [*self.headers, *self.our_headers()] if self.headers else self.our_headers()

    def our_headers(self) -> list[tuple[str, bytes]]:
        """Those under the prefix ``tracehound_``."""
        topic, partition, stage, error = _usual(self.topic, self.partition, self.stage, self.error)
        offset, timestamp = str(self.offset).encode(), str(self.timestamp_ms).encode()
        reason = self.reason.encode("utf-8", "backslashreplace")
        ours = [topic, partition, (_OFFSET, offset), (_TIMESTAMP, timestamp), stage, error, (_REASON, reason)]
        if self.format:
            ours.append((FORMAT_HEADER, self.format.encode(errors="backslashreplace")))
        return ours


_OFFSET, _TIMESTAMP, _REASON = (HEADER_PREFIX + name for name in ("offset", "timestamp_ms", "reason"))


@lru_cache(maxsize=1_024)  # of many dead letters nearly all say the same
def _usual(topic: str, partition: int, stage: str, error: str) -> tuple[tuple[str, bytes], ...]:
    texts = {"topic": topic, "partition": str(partition), "stage": stage, "error": error}
    return tuple((HEADER_PREFIX + name, text.encode(errors="backslashreplace")) for name, text in texts.items())


def read_dead_letter(value: bytes | None, key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> DeadLetter:
    """The dead letter that a record of ``dead-letters.v1`` carries; its own headers are without ours.

    Raises:
        ValueError: the record lacks one of our headers, or its content is wrong; the message names it.

    >>> letter = DeadLetter(b"{", None, "executions.v1", 0, 7, 5, "decode", "InvalidJson", "Cut off.")
    >>> read_dead_letter(b"{", None, letter.wire_headers()) == letter
    True
    """
    own: list[tuple[str, bytes]] = []
    ours: dict[str, str] = {}
    for name, content in headers:
        if name.startswith(HEADER_PREFIX):
            ours[name] = (content or b"").decode(errors="replace")
        else:
            own.append((name, content or b""))
    found = msgspec.convert(ours, DeadLetterHeaders)
    return DeadLetter(
        value,
        key,
        found.topic,
        int(found.partition),
        int(found.offset),
        int(found.timestamp_ms),
        found.stage,
        found.error,
        found.reason,
        own,
        found.format,
    )
