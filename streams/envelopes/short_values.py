"""Values of few bytes that cannot hold an execution: refused without being taken apart, but for some that explain."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags
from tracehound.detectors.columns.short_values import NULL, SHORT, TO_READ, sort_out_short
from tracehound.schemas.codec import NULL_VALUE, SHORTEST_EXECUTION, TOO_SHORT
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import reject_flaw
from tracehound.streams.envelopes.packing import may_be_packed

_SHORTEST_PACKED: Final = 48
"""An execution of the fewest bytes has 70 once it is packed; no repetition within it saves so many."""
_EXPLANATION_BYTES: Final = 1_000
"""To explain what is wrong with a value takes as long as to read and score so many bytes."""
_MOST_SAVED: Final = 16 * _EXPLANATION_BYTES
_NOTHING: Final = BLANK + b"[]"
_PACKED: Final = np.array([may_be_packed(bytes([first])) for first in range(256)])
REFUSED: Final = {NULL: reject_flaw(None, NULL_VALUE), SHORT: reject_flaw(None, TOO_SHORT)}
"""Why, of each kind of records that need not be read; without their values."""


class ShortValues:
    """Says of values that are too short for an execution just that, where there are many of them.

    What is wrong with a value is worth saying in full, but that costs the same for one byte as for a thousand. So what
    is read earns explanations by its length: whatever comes once in a while is explained, and of a flood a part. The
    bytes are in the dead letter in any case.

    Parameters:
        framed: whether a value that begins with a zero may be a message of a schema registry.

    >>> from tracehound.detectors.columns.read_records import PLACES, VALUE_LENGTH
    >>> short, places = ShortValues(framed=False), np.zeros((20, PLACES), np.int64)
    >>> places[:, VALUE_LENGTH] = 2
    >>> found = short.sort_out(np.frombuffer(b"{}", np.uint8), places, np.ones(20, np.bool_))
    >>> found.tolist() == 16 * [TO_READ] + 4 * [SHORT]
    True
    >>> REFUSED[SHORT].reason
    'An execution has an application, an operation, a start and a duration. Got less than 66 bytes.'
    """

    def __init__(self, framed: bool) -> None:
        self._framed = framed
        self._saved = _MOST_SAVED

    def earn(self, length: int) -> None:
        """So many bytes were read for what they are."""
        self._saved = min(_MOST_SAVED, self._saved + length)

    def sort_out(self, text: NDArray[np.uint8], places: NDArray[np.int64], asked: Flags) -> NDArray[np.int8]:
        """Which records have to be read (``TO_READ``), be it to say what is wrong with them, and which are refused.

        Parameters:
            text, places: of n records, see ``detectors.columns.read_records``.
            asked: (n,) whether a record may be refused without being read.
        """
        found = np.full(len(places), TO_READ, np.int8)
        least = np.array([SHORTEST_EXECUTION, _SHORTEST_PACKED])
        self._saved = sort_out_short(
            *(text, places, asked, least, _PACKED),
            *(self._framed, _EXPLANATION_BYTES, self._saved, found),
        )
        return found

    def holds_none(self, value: bytes) -> bool:
        """Whether a value is too short for an execution, whatever is around it, and is not one that holds nothing."""
        length, first = len(value), value[:1]
        if length >= _SHORTEST_PACKED and (length >= SHORTEST_EXECUTION or may_be_packed(value)):
            return False
        if first == b"\0" and self._framed:
            return False
        return first not in _NOTHING or bool(value.translate(None, _NOTHING)) or b"[" not in value
