"""Fields of Protobuf, walked by kernels without an object for any.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

VARINT, WORD, BYTES, HALF_WORD = 0, 1, 2, 5
"""The types of the wire that are read; groups are not."""
MALFORMED: Final = -1
_LAST_FIELD: Final = 2**29 - 1


@njit(**LEAN, forceinline=True)
def read_varint(text: Any, at: int, end: int) -> Any:
    """A number of up to 35 bits and the place behind it; ``MALFORMED`` where there is none, or a longer one."""
    value: Any = 0
    shift = 0
    while at < end and shift < 35:
        byte = np.int64(text[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return MALFORMED, at


@njit(**LEAN, forceinline=True)
def _behind(text: Any, at: int, end: int, wire: int) -> int:
    """The place behind a field's content; ``MALFORMED`` where it does not end within its message."""
    if wire == VARINT:
        for place in range(at, min(at + 10, end)):
            if text[place] < 128:
                return place + 1 if place < at + 9 or text[place] < 2 else MALFORMED
        return MALFORMED
    if wire == BYTES:
        length, at = read_varint(text, at, end)
        if length < 0:
            return MALFORMED
        at += length
    elif wire == WORD:
        at += 8
    elif wire == HALF_WORD:
        at += 4
    else:
        return MALFORMED
    return at if at <= end else MALFORMED


@njit(**LEAN, forceinline=True)
def read_field(text: Any, at: int, end: int) -> Any:
    """Number and wire type of a field, where its content begins (of bytes: behind their length), and where it ends,
    which is ``MALFORMED`` where it does not."""
    tag, at = read_varint(text, at, end)
    number, wire = tag >> 3, tag & 7
    if tag < 8 or number > _LAST_FIELD:
        return number, wire, at, MALFORMED
    behind = _behind(text, at, end, wire)
    if wire == BYTES and behind >= 0:
        _, at = read_varint(text, at, end)
    return number, wire, at, behind
