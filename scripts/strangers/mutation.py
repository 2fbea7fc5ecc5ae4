"""Changes good bytes by a seed, for a look that is the same every time."""

from collections.abc import Iterator, Sequence
from random import Random

_ODD = (
    b"",
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"-1",
    b"1e308",
    b"NaN",
    b"null",
    b'"',
    b"[",
    b"]",
    b"{",
    b"}",
    b"\\u0000",
)
_MOST_CHANGES = 4


def mutated(seeds: Sequence[bytes], count: int, seed: str) -> Iterator[bytes]:
    """So many changed copies of ``seeds``: cut, with odd bytes for some, and with parts of each other.

    >>> list(mutated([b"abc"], 2, "x")) == list(mutated([b"abc"], 2, "x"))
    True
    """
    draw = Random(seed)
    for _ in range(count):
        value = draw.choice(seeds)
        for _ in range(draw.randint(1, _MOST_CHANGES)):
            begin = draw.randint(0, len(value))
            end = draw.choice((begin, begin + 1, draw.randint(begin, len(value)), begin + draw.randint(0, 9)))
            value = value[:begin] + _instead(seeds, value, draw) + value[end:]
        yield value


def _instead(seeds: Sequence[bytes], value: bytes, draw: Random) -> bytes:
    match draw.randint(0, 3):
        case 0:
            return bytes([draw.randint(0, 255)])
        case 1:
            return draw.choice(_ODD)
        case 2:
            return draw.randbytes(draw.randint(1, 8))
        case _:
            other = draw.choice((value, draw.choice(seeds)))
            begin = draw.randint(0, len(other))
            return other[begin : begin + draw.randint(0, 60)]
