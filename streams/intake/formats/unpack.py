"""Takes away what is around the spans of a record: compression, a byte-order mark, the framing of a schema registry."""

from tracehound.schemas.rejection import RecordError
from tracehound.streams.envelopes.packing import frame_of, may_be_packed, message_indexes, unpacked

_WANTED = "spans"


def unpacked_spans(value: bytes, most_bytes: int) -> bytes:
    """The bytes within.

    Raises:
        RecordError: they are packed in a way that is not undone, or become too long.

    >>> unpacked_spans(b"\\xef\\xbb\\xbf{}", 10), unpacked_spans(b"\\x00\\x00\\x00\\x00\\x07{}", 10)
    (b'{}', b'{}')
    """
    if not may_be_packed(value):
        return value
    value = unpacked(value, most_bytes, _WANTED)
    frame = frame_of(value)
    if frame is None:
        return value
    if frame.is_text:
        return unpacked(frame.content, most_bytes, _WANTED)
    try:
        _, content = message_indexes(frame.content)
    except ValueError:
        content = None
    if content is None or (content[:1] != b"\n" and frame.content != b"\x00"):
        if not frame.is_likely:
            return value
        raise RecordError(
            "ForeignFormat", f"the record must be spans. Got {frame.told} around neither JSON nor Protobuf of spans."
        )
    return content
