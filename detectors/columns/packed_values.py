"""Values in MessagePack, walked by kernels without an object for any.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

MALFORMED: Final = -1


@njit(**LEAN)
def read_size(text: Any, at: int, count: int) -> Any:
    """A number of so many bytes, the greatest first."""
    size: Any = 0
    for place in range(at, at + count):
        size = (size << 8) | np.int64(text[place])
    return size


@njit(**LEAN)
def read_array(text: Any, at: int, end: int) -> Any:
    """How many elements an array has, and where they begin; ``MALFORMED`` where there is none."""
    if at >= end:
        return MALFORMED, at
    tag = np.int64(text[at])
    if 0x90 <= tag <= 0x9F:
        return tag & 15, at + 1
    if tag == 0xDC and at + 3 <= end:
        return read_size(text, at + 1, 2), at + 3
    if tag == 0xDD and at + 5 <= end:
        return read_size(text, at + 1, 4), at + 5
    return MALFORMED, at


@njit(**LEAN)
def skip_values(text: Any, at: Any, end: int, count: Any) -> Any:
    """Where so many values end, whatever they are; ``MALFORMED`` where they do not within ``end``."""
    while count > 0:
        if at >= end:
            return MALFORMED
        tag = np.int64(text[at])
        length: Any = 0
        at, count = at + 1, count - 1
        if tag < 0x80 or tag >= 0xE0 or tag in (0xC0, 0xC2, 0xC3):
            continue
        if tag < 0x90:
            count += 2 * (tag & 15)
        elif tag < 0xA0:
            count += tag & 15
        elif tag < 0xC0:
            length = tag & 31
        elif tag in (0xCA, 0xCE, 0xD2):
            length = 4
        elif tag in (0xCB, 0xCF, 0xD3):
            length = 8
        elif tag in (0xCC, 0xD0):
            length = 1
        elif tag in (0xCD, 0xD1):
            length = 2
        elif 0xD4 <= tag <= 0xD8:
            length = 1 + (1 << (tag - 0xD4))
        else:
            size = _bytes_of_size(tag)
            if size == 0 or at + size > end:
                return MALFORMED
            length = read_size(text, at, size)
            at += size
            if tag in (0xDC, 0xDD):
                count, length = count + length, 0
            elif tag in (0xDE, 0xDF):
                count, length = count + 2 * length, 0
            elif 0xC7 <= tag <= 0xC9:
                length += 1
        at += length
        if at > end or count > end - at:  # (every value takes a byte)
            return MALFORMED
    return at


@njit(**LEAN, forceinline=True)
def _bytes_of_size(tag: int) -> int:
    """How many bytes the size takes that follows a tag; 0 where none does."""
    if tag in (0xD9, 0xC4, 0xC7):
        return 1
    if tag in (0xDA, 0xC5, 0xC8, 0xDC, 0xDE):
        return 2
    if tag in (0xDB, 0xC6, 0xC9, 0xDD, 0xDF):
        return 4
    return 0
