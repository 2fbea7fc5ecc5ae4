"""The marks of spans that would begin something if they came alone: 32 bits of each, as of ``beginnings``."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.read_pieces import OWN_ID, PARENT_ID, RESOURCE, SHAPE
from tracehound.detectors.columns.trace_columns import BARE_SERVICE, CLIENT, INTERNAL, KIND, REMOTE_PARENT
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

_POLYNOMIAL = 0xEDB88320
_ONES = np.uint32(0xFFFFFFFF)
_8, _255 = np.uint32(8), np.uint32(255)


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_REMAINDERS: Final = np.array([_remainder(byte) for byte in range(256)], np.uint32)


@njit(**LEAN, forceinline=True)
def _with_byte(crc: Any, byte: Any) -> Any:
    return _REMAINDERS[(crc ^ np.uint32(byte)) & _255] ^ (crc >> _8)


@njit(**LEAN, forceinline=True)
def hexadecimal(digit: Any) -> Any:
    """The character of a digit from 0 to 15."""
    return digit + (48 if digit < 10 else 87)


@njit(**LEAN)
def _mark(own_id: int, texts: Any, begin: int, end: int) -> Any:
    """CRC-32 of the digits of an id, a 0, and the name of a service."""
    crc = _ONES
    for shift in range(60, -4, -4):
        crc = _with_byte(crc, hexadecimal((own_id >> shift) & 15))
    crc = _with_byte(crc, 0)
    for place in range(begin, end):
        crc = _with_byte(crc, texts[place])
    return crc ^ _ONES


@njit(**LEAN)
def mark_spans(spans: Any, known: Any, first: int, last: int, marks: Any) -> int:
    """Write the marks of spans [``first``, ``last``), each once and in order, from ``marks[first]`` on; returns how
    many there are.

    ``known`` are the arrays of resources, shapes, the bytes of texts, and where each of these begins and ends.
    """
    resources, shapes, texts, ends = known
    count = 0
    for row in range(first, last):
        shape = shapes[spans[row, SHAPE]]
        if shape[KIND] in (INTERNAL, CLIENT) and spans[row, PARENT_ID] != 0 and shape[REMOTE_PARENT] != 1:
            continue
        service = resources[spans[row, RESOURCE], BARE_SERVICE]
        mark = _mark(spans[row, OWN_ID], texts, ends[service, 0], ends[service, 1])
        place = first + count
        while place > first and marks[place - 1] > mark:
            marks[place] = marks[place - 1]
            place -= 1
        if place > first and marks[place - 1] == mark:  # (those behind go back)
            for other in range(place, first + count):
                marks[other] = marks[other + 1]
            continue
        marks[place] = mark
        count += 1
    return count
