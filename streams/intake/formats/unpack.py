"""What is around the bytes of a record: compression, a byte-order mark, the framing of a schema registry."""

import zlib

from tracehound.streams.intake.formats.decoded import RecordError
from tracehound.streams.intake.formats.wire import varint

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (
        b"\x28\xb5\x2f\xfd",
        "compressed with Zstandard; inside of a value only gzip is unpacked (let the producer compress)",
    ),
    (
        b"\xff\x06\x00\x00sNaPpY",
        "compressed with Snappy; inside of a value only gzip is unpacked (let the producer compress)",
    ),
    (b"\x82SNAPPY\x00", "compressed with Snappy; inside of a value only gzip is unpacked (let the producer compress)"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4; inside of a value only gzip is unpacked (let the producer compress)"),
    (b"\xff\xfe", "text in UTF-16; only UTF-8 is read"),
    (b"\xfe\xff", "text in UTF-16; only UTF-8 is read"),
    (b"Obj\x01", "an Avro file, which is not read"),
    (b"\xc3\x01", "an Avro message, which is not read"),
)
_MOST_INDEXES = 16


def unpacked(value: bytes, most_bytes: int) -> bytes:
    """The bytes within: gzip unpacked, byte-order mark and schema registry's prefix taken away.

    Raises:
        RecordError: they are packed in a way that is not undone, or become too long.

    >>> unpacked(b"\\xef\\xbb\\xbf{}", 10), unpacked(b"\\x00\\x00\\x00\\x00\\x07{}", 10)
    (b'{}', b'{}')
    """
    if value[:1] not in b"\x1f\xef\x00\x28\xff\x82\x04\xfeO\xc3":  # (also true of no bytes)
        return value
    if value[:2] == _GZIP:
        value = _gunzipped(value, most_bytes)
    if value[:1] == b"\x00" and len(value) > 5:
        value = _unframed(value)
        if value[:2] == _GZIP:
            value = _gunzipped(value, most_bytes)
    if value[:3] == _BOM:
        return value[3:]
    for begin, what in _OTHERS:
        if value.startswith(begin):
            raise RecordError("ForeignFormat", f"the record must be spans in bytes that are read. Got {what}.")
    return value


def _gunzipped(value: bytes, most_bytes: int) -> bytes:
    content = bytearray()
    while value:
        unpacking = zlib.decompressobj(wbits=31)
        try:
            content += unpacking.decompress(value, most_bytes + 1 - len(content))
        except zlib.error as error:
            raise RecordError(
                "ForeignFormat", f"the record begins as gzip does, but cannot be unpacked: {error}."
            ) from error
        if len(content) > most_bytes:
            raise RecordError(
                "OversizedRecord",
                f"the record must be at most {most_bytes} bytes long once it is unpacked. It is longer.",
            )
        if not unpacking.eof:
            raise RecordError("ForeignFormat", "the record begins as gzip does, but ends too early.")
        value = unpacking.unused_data  # (gzip files may follow each other)
    return bytes(content)


def _unframed(value: bytes) -> bytes:
    """The message after magic byte, schema id and, for Protobuf, the indexes of its type."""
    content = value[5:]
    if content.lstrip(b" \t\r\n")[:1] in (b"{", b"[") or content[:1] in _GZIP[:1] + _BOM[:1]:
        return content
    schema_id = int.from_bytes(value[1:5], "big")
    try:
        count, at = varint(content, 0)
        for _ in range(min(count >> 1, _MOST_INDEXES)):  # (zigzag: an even number is half of itself)
            _, at = varint(content, at)
    except ValueError:
        at = -1
    if at < 0 or count & 1 or (content[at : at + 1] != b"\n" and content != b"\x00"):
        raise RecordError(
            "ForeignFormat",
            f"the record must be spans. Got the framing of a schema registry (schema id {schema_id}) around "
            "neither JSON nor Protobuf of spans.",
        )
    return content[at:]
