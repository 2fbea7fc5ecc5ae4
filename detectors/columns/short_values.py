"""Which of many records are too short for an execution, and which of these are read all the same to explain them."""

from typing import Any, Final

from tracehound.detectors.columns.read_records import VALUE, VALUE_LENGTH
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

TO_READ, NULL, SHORT = range(3)
"""What is to be done with a record: read it, or say that it is null or too short."""
_OPENS, _CLOSES = ord("["), ord("]")
_BLANKS: Final = (ord(" "), ord("\t"), ord("\r"), ord("\n"))


@njit(**LEAN)
def sort_out_short(
    text: Any, places: Any, asked: Any, shortest: Any, packed: Any, framed: bool, price: int, saved: int, found: Any
) -> int:
    """Fills ``found`` (n,) for records (n, ``PLACES``) in order; returns what is saved for explanations then.

    Parameters:
        asked: (n,) whether the record may be refused without being read.
        shortest: the fewest bytes of an execution, and those of one that is packed.
        packed: (256,) which first bytes packed ones have.
        framed: whether a zero may begin a message of a schema registry.
        price: bytes that an explanation costs.
        saved: bytes of what was read, less what explanations have cost.
    """
    for row in range(len(places)):
        at, length = places[row, VALUE], places[row, VALUE_LENGTH]
        found[row] = TO_READ
        if not asked[row]:
            continue
        if length < 0:
            found[row] = NULL
            continue
        if length >= shortest[1] and (length >= shortest[0] or packed[text[at]]):
            continue
        if (length > 0 and framed and text[at] == 0) or _holds_nothing(text, at, length):
            continue
        if saved >= price:
            saved -= price
            continue
        saved += length
        found[row] = SHORT
    return saved


@njit(**LEAN)
def _holds_nothing(text: Any, at: int, length: int) -> bool:
    """Whether these bytes are brackets and blanks: an array of nothing is not refused."""
    opened = False
    for place in range(at, at + length):
        letter = text[place]
        opened |= letter == _OPENS
        if letter not in _BLANKS and letter != _OPENS and letter != _CLOSES:
            return False
    return opened
