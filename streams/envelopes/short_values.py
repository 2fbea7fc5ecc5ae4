"""Values of few bytes that cannot hold an execution: refused without being taken apart, but for some that explain."""

from typing import Final

from tracehound.schemas.codec import NULL_VALUE, SHORTEST_EXECUTION, TOO_SHORT
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import Rejection, reject_flaw
from tracehound.streams.envelopes.packing import may_be_packed

_SHORTEST_PACKED: Final = 48
"""An execution of the fewest bytes has 70 once it is packed; no repetition within it saves so many."""
_EXPLANATION_BYTES: Final = 1_000
"""To explain what is wrong with a value takes as long as to read and score so many bytes."""
_MOST_SAVED: Final = 16 * _EXPLANATION_BYTES
_NOTHING: Final = BLANK + b"[]"
_NULL: Final = reject_flaw(None, NULL_VALUE)
_TOO_SHORT: Final = reject_flaw(None, TOO_SHORT)


class ShortValues:
    """Says of values that are too short for an execution just that, where there are many of them.

    What is wrong with a value is worth saying in full, but that costs the same for one byte as for a thousand. So what
    is read earns explanations by its length: whatever comes once in a while is explained, and of a flood a part. The
    bytes are in the dead letter in any case.

    Parameters:
        framed: whether a value that begins with a zero may be a message of a schema registry.

    >>> short = ShortValues(framed=False)
    >>> {short.refused(b"{}") for _ in range(16)}
    {None}
    >>> short.refused(b"{}").reason
    'An execution has an application, an operation, a start and a duration. Got less than 66 bytes.'
    >>> short.refused(b"[ ]")
    """

    def __init__(self, framed: bool) -> None:
        self._framed = framed
        self._saved = _MOST_SAVED

    def earn(self, length: int) -> None:
        """So many bytes were read for what they are."""
        self._saved = min(_MOST_SAVED, self._saved + length)

    def refused(self, value: bytes | None) -> Rejection | None:
        """Why the value is refused; None where it has to be read, be it to say what is wrong with it."""
        if value is None:
            return _NULL
        if not self.holds_none(value):
            return None
        if self._saved >= _EXPLANATION_BYTES:
            self._saved -= _EXPLANATION_BYTES
            return None
        self._saved += len(value)
        return Rejection((), value, _TOO_SHORT.error, _TOO_SHORT.reason)

    def holds_none(self, value: bytes) -> bool:
        """Whether a value is too short for an execution, whatever is around it, and is not one that holds nothing."""
        length, first = len(value), value[:1]
        if length >= _SHORTEST_PACKED and (length >= SHORTEST_EXECUTION or may_be_packed(value)):
            return False
        if first == b"\0" and self._framed:
            return False
        return first not in _NOTHING or bool(value.translate(None, _NOTHING)) or b"[" not in value
