"""Texts one after the other, as kernels read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.json_tokens import SEPARATOR
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN


@dataclass(frozen=True, slots=True)
class JoinedTexts:
    """k texts. ``begins`` (k + 1,) are their places in ``text``; each is followed by ``SEPARATOR``, the last by
    ``PADDING`` as well.

    >>> joined = JoinedTexts.of([b"ab", b"", b"c"])
    >>> joined.begins.tolist(), joined.longest
    ([0, 3, 4, 6], 2)
    >>> joined == JoinedTexts.cut_out(b"xxabc", np.array([2, 4, 4]), np.array([2, 0, 1]))
    True
    """

    text: bytes
    begins: Slots

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JoinedTexts):
            return NotImplemented
        return self.text == other.text and self.begins.tolist() == other.begins.tolist()

    def __len__(self) -> int:
        return len(self.begins) - 1

    @property
    def longest(self) -> int:
        """Bytes of the longest text; 0 where there is none."""
        return int(np.diff(self.begins).max(initial=len(SEPARATOR))) - len(SEPARATOR)

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Self:
        """These texts."""
        begins = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(one) + len(SEPARATOR) for one in texts], out=begins[1:])
        return cls(b"".join((SEPARATOR.join(texts), SEPARATOR, PADDING)) if texts else PADDING, begins)

    @classmethod
    def cut_out(cls, text: bytes, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> Self:
        """The texts of so many bytes at ``places`` (k,) of one that holds more."""
        begins = np.zeros(len(places) + 1, np.int64)
        np.cumsum(lengths + len(SEPARATOR), out=begins[1:])
        joined = np.zeros(begins[-1] + len(PADDING), np.uint8)  # what is not written is separators and padding
        _copy(np.frombuffer(text, np.uint8), places, lengths, begins, joined)
        return cls(joined.tobytes(), begins)


@njit(**LEAN)
def _copy(text: Any, places: Any, lengths: Any, begins: Any, joined: Any) -> None:
    for index in range(places.size):
        place, begin = places[index], begins[index]
        for at in range(lengths[index]):
            joined[begin + at] = text[place + at]
