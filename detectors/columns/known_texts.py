"""Numbers for texts, and their bytes one after the other, so that kernels can write them."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots

NO_TEXT: Final = 0
"""The number of the empty text."""
_encode = msgspec.json.Encoder().encode


class KnownTexts:
    """Texts as JSON and pieces as they are, each under a number of its own that stays.

    ``bytes`` holds all of them and ``ends`` (x, 2) where each begins and ends. ``texts`` are those that have been
    numbered, by number; pieces are empty there.

    >>> known = KnownTexts()
    >>> known.number("a"), known.number("b"), known.piece(b"{}"), known.number("a"), known.texts
    (1, 2, 3, 1, ['', 'a', 'b', ''])
    >>> begin, end = known.ends[1]
    >>> known.bytes[begin:end].tobytes()
    b'"a"'
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.bytes: NDArray[np.uint8] = np.zeros(4_096, np.uint8)
        self.ends: Slots = np.zeros((256, 2), np.int64)
        self._numbers: dict[str | bytes, int] = {}
        self._filled = 0
        self.number("")

    def number(self, text: str) -> int:
        """The number of a text, which is written with its quotes."""
        found = self._numbers.get(text)
        return self._add(text, text, _encode(text)) if found is None else found

    def piece(self, piece: bytes) -> int:
        """The number of bytes that are written as they are."""
        found = self._numbers.get(piece)
        return self._add(piece, "", piece) if found is None else found

    def _add(self, key: str | bytes, text: str, written: bytes) -> int:
        number, begin = len(self.texts), self._filled
        end = begin + len(written)
        while end > len(self.bytes):
            self.bytes = np.concatenate([self.bytes, np.zeros_like(self.bytes)])
        if number == len(self.ends):
            self.ends = np.concatenate([self.ends, np.zeros_like(self.ends)])
        self.bytes[begin:end] = np.frombuffer(written, np.uint8)
        self.ends[number] = begin, end
        self._filled = end
        self.texts.append(text)
        self._numbers[key] = number
        return number
