"""How much a MessagePack message holds, told before any object is made of it: one may take 70 times its bytes."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit

MALFORMED, TOO_DEEP = -1, -2
DEEPEST: Final = 16
"""Maps and arrays within each other."""
_ARRAY, _MAP = 1, 2


def _table(entries: dict[int, int]) -> Any:
    table = np.zeros(256, np.int64)
    for code, value in entries.items():
        table[code] = value
    return table


_SKIP: Final = _table(
    {
        **{0xA0 + length: length for length in range(32)},
        **dict.fromkeys((0xC7, 0xC8, 0xC9), 1),  # the type of an extension
        **{0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8},
        **{0xD4 + power: 1 + 2**power for power in range(5)},
    }
)
"""Bytes that follow a code, whatever they are."""
_LENGTH: Final = _table(
    {
        **{0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4},
        **{0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4},
    }
)
"""Bytes that say how much follows."""
_NESTS: Final = _table(
    {
        **{0x80 + size: _MAP for size in range(16)},
        **{0x90 + size: _ARRAY for size in range(16)},
        **{0xDC: _ARRAY, 0xDD: _ARRAY, 0xDE: _MAP, 0xDF: _MAP},
    }
)


@njit(cache=True)
def elements_of(message: Any) -> int:
    """How many values the message (n,) of bytes holds, keys of maps and the maps and arrays themselves among them;
    or ``MALFORMED``, or ``TOO_DEEP``.

    Source: the MessagePack specification.

    >>> import msgspec
    >>> one = msgspec.msgpack.encode({"key": ["shop", ""], "count": 3})
    >>> elements_of(np.frombuffer(one, np.uint8))
    7
    >>> elements_of(np.frombuffer(b"\\x91" * 40 + b"\\x90", np.uint8)) == TOO_DEEP
    True
    """
    left = np.zeros(DEEPEST + 1, np.int64)
    left[0] = 1
    depth, at, elements = 0, 0, 0
    while depth >= 0:
        if left[depth] == 0:
            depth -= 1
            continue
        left[depth] -= 1
        if at >= message.size:
            return MALFORMED
        code = message[at]
        at += 1
        elements += 1
        size = np.int64(code & 15)
        if _LENGTH[code]:
            if at + _LENGTH[code] > message.size:
                return MALFORMED
            size = np.int64(0)
            for _ in range(_LENGTH[code]):
                size = (size << 8) | np.int64(message[at])
                at += 1
        at += _SKIP[code]
        if _NESTS[code]:
            if depth == DEEPEST:
                return TOO_DEEP
            depth += 1
            left[depth] = size * _NESTS[code]
        elif _LENGTH[code]:
            at += size
    return elements if at == message.size else MALFORMED
