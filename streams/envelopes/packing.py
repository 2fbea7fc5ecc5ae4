"""What is around the bytes of a record: compression, a byte-order mark, the framing of a schema registry."""

import zlib
from dataclasses import dataclass

from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import RecordError

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_PACKED = "compressed with {}; inside of a value only gzip is unpacked (let the producer compress)"
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x28\xb5\x2f\xfd", _PACKED.format("Zstandard")),
    (b"\xff\x06\x00\x00sNaPpY", _PACKED.format("Snappy")),
    (b"\x82SNAPPY\x00", _PACKED.format("Snappy")),
    (b"\x04\x22\x4d\x18", _PACKED.format("LZ4")),
    (b"\xff\xfe", "text in UTF-16; only UTF-8 is read"),
    (b"\xfe\xff", "text in UTF-16; only UTF-8 is read"),
    (b"Obj\x01", "an Avro file, which is not read"),
    (b"\xc3\x01", "an Avro message, which is not read"),
)
_PIECE_BYTES = 4_096
"""Each gzip file costs a copy of what follows it, so no more than this is given at once."""
_MOST_INDEXES = 16
_LEAST_OBJECT_BYTES = 8
"""Shorter ones are neither envelopes nor parts of executions; taking millions of them apart takes seconds."""
_MOST_IDS = 2**24
"""Registries count up from 1 (or 100,001): other bytes behind a zero are no id."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a serializer of a schema registry wrote: the schema's id, and the content behind it."""

    schema_id: int
    content: bytes

    @property
    def told(self) -> str:
        """For people."""
        return f"the framing of a schema registry (schema id {self.schema_id})"

    @property
    def is_likely(self) -> bool:
        """Whether the id is one that a registry gives: else it is rather no frame, if its content says nothing."""
        return 0 < self.schema_id < _MOST_IDS

    @property
    def is_text(self) -> bool:
        """Whether the content is JSON, or packed."""
        first = self.content.lstrip(BLANK)[:1]
        return first in (b"{", b"[", b'"') or self.content[:1] in (_GZIP[:1], _BOM[:1])


def is_array_of_objects(content: bytes) -> bool:
    """Whether JSON begins an array of objects that are worth a look: its elements are not taken apart for that.

    >>> [is_array_of_objects(content) for content in (b'[ {"data":{"a":1}} ]', b"[1]", b"[{},{},{},{}]")]
    [True, False, False]
    """
    begin = content[:64].lstrip(BLANK)
    is_one = begin[:1] == b"[" and begin[1:].lstrip(BLANK)[:1] == b"{"
    return is_one and content.count(b"{") * _LEAST_OBJECT_BYTES <= len(content)


def may_be_packed(value: bytes) -> bool:
    """Whether the first byte is one that no JSON and no Protobuf of spans has (also of no bytes)."""
    return value[:1] in b"\x1f\xef\x00\x28\xff\x82\x04\xfeO\xc3"


def unpacked(value: bytes, most_bytes: int, wanted: str) -> bytes:
    """The bytes within: gzip unpacked, a byte-order mark taken away.

    Parameters:
        most_bytes: how long they may be.
        wanted: what they must be, for the sentence.

    Raises:
        RecordError: they are packed in a way that is not undone, or become too long.

    >>> unpacked(b"\\xef\\xbb\\xbf{}", 10, "spans")
    b'{}'
    """
    if value[:2] == _GZIP:
        value = _gunzipped(value, most_bytes)
    if value[:3] == _BOM:
        return value[3:]
    for begin, what in _OTHERS:
        if value.startswith(begin):
            raise RecordError("ForeignFormat", f"the record must be {wanted} in bytes that are read. Got {what}.")
    return value


def frame_of(value: bytes) -> Frame | None:
    """The frame that a value begins with: a zero, and a schema's id of four bytes.

    >>> frame_of(b"\\x00\\x00\\x00\\x00\\x07{}")
    Frame(schema_id=7, content=b'{}')
    """
    if value[:1] != b"\x00" or len(value) < 6:
        return None
    return Frame(int.from_bytes(value[1:5], "big"), value[5:])


def message_indexes(content: bytes) -> tuple[list[int], bytes]:
    """Which message of its schema a framed Protobuf is (the place in each enclosing message), and its bytes.

    Raises:
        ValueError: that does not stand there.

    >>> message_indexes(b"\\x00rest"), message_indexes(b"\\x04\\x02\\x00rest")
    (([0], b'rest'), ([1, 0], b'rest'))
    """
    count, at = _zigzag(content, 0)
    if not 0 <= count <= _MOST_INDEXES:
        raise ValueError(f"it names {count} indexes of messages")
    indexes = []
    for _ in range(count):
        index, at = _zigzag(content, at)
        indexes.append(index)
    return indexes or [0], content[at:]


def _zigzag(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 35:
        if at >= len(content):
            raise ValueError("it ends within the indexes of its message")
        byte = content[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), at
        shift += 7
    raise ValueError("an index of its message is too large")


def _gunzipped(value: bytes, most_bytes: int) -> bytes:
    content = bytearray()
    unpacking = zlib.decompressobj(wbits=31)
    for begin in range(0, len(value), _PIECE_BYTES):
        piece = value[begin : begin + _PIECE_BYTES]
        while piece:
            if unpacking.eof:  # gzip files may follow each other
                unpacking = zlib.decompressobj(wbits=31)
            try:
                content += unpacking.decompress(piece, most_bytes + 1 - len(content))
            except zlib.error as error:
                raise RecordError(
                    "ForeignFormat", f"the record begins as gzip does, but cannot be unpacked: {error}."
                ) from error
            if len(content) > most_bytes:
                raise RecordError(
                    "OversizedRecord",
                    f"the record must be at most {most_bytes} bytes long once it is unpacked. It is longer.",
                )
            piece = unpacking.unused_data
    if not unpacking.eof:
        raise RecordError("ForeignFormat", "the record begins as gzip does, but ends too early.")
    return bytes(content)
