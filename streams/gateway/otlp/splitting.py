"""Requests larger than a record of Kafka should be, as several: each with some of the spans and what is around them."""

from collections.abc import Iterator

from tracehound.schemas.rejection import Flaw
from tracehound.streams.intake.formats.otlp.reading import Encoding

_DEPTH_OF_SPANS = 3
_AROUND_BYTES = 32
"""What stands around a list and its members, in either encoding, at most."""


def split(content: bytes, encoding: Encoding, most_bytes: int) -> Iterator[bytes]:
    """Requests that together hold what ``content`` holds, byte for byte, in its order.

    Each is at most ``most_bytes`` long where it can be: a span, and what is around it, are not taken apart, nor is a
    list whose surroundings alone take half of the room, for each of its parts would repeat them.

    Parameters:
        content: a request that can be read.
    """
    return _pieces(content, encoding, 0, most_bytes)


def _pieces(element: bytes, encoding: Encoding, depth: int, room: int) -> Iterator[bytes]:
    parts = encoding.parts(element, depth) if len(element) > room and depth < _DEPTH_OF_SPANS else None
    if parts is None or isinstance(parts, Flaw) or len(parts[0]) > room // 2 or not parts[1]:
        yield element
        return
    head, members = parts
    within = room - len(head) - _AROUND_BYTES
    group: list[bytes] = []
    size = 0
    for member in members:
        for piece in _pieces(member, encoding, depth + 1, within):
            if group and size + len(piece) + _AROUND_BYTES > within:
                yield encoding.around(depth - 1, head, group)
                group, size = [], 0
            group.append(piece)
            size += len(piece) + _AROUND_BYTES
    if group:
        yield encoding.around(depth - 1, head, group)
