"""Texts where they lie in memory, as kernels read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING, first_bytes, word_at
from tracehound.detectors.columns.json_tokens import SEPARATOR
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

_BEYOND_ASCII = np.uint64(0x8080808080808080)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTexts:
    """k texts, none of which overlap. ``begins`` and ``ends`` (k,) are their places in ``text`` (bytes,), which is not
    writable; each is followed by ``SEPARATOR``, and ``text`` ends with ``PADDING``.

    >>> placed = PlacedTexts.of([b"ab", b"", b"c"])
    >>> placed.begins.tolist(), placed.ends.tolist(), placed.longest, placed.total_bytes
    ([0, 3, 4], [2, 3, 5], 2, 3)
    """

    text: NDArray[np.uint8]
    begins: Slots
    ends: Slots

    def __len__(self) -> int:
        return len(self.begins)

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Self:
        """These texts."""
        lengths = np.array([len(one) for one in texts], np.int64)
        ends = np.cumsum(lengths + len(SEPARATOR)) - len(SEPARATOR)
        text = np.frombuffer(b"".join((SEPARATOR.join(texts), SEPARATOR, PADDING)), np.uint8)
        return cls(text, ends - lengths, ends)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The texts of one after the other; each has at least one, and they lie in the order of their places.

        >>> joined = PlacedTexts.joined([PlacedTexts.of([b"ab"]), PlacedTexts.of([b"c", b"d"])])
        >>> joined.begins.tolist(), joined.ends.tolist(), bytes(joined.text[:2])
        ([0, 3, 5], [2, 4, 6], b'ab')
        """
        first = [int(part.begins[0]) for part in parts]
        last = [int(part.ends[-1]) + len(SEPARATOR) for part in parts]
        pieces = [part.text[begin:end] for part, begin, end in zip(parts, first, last, strict=True)]
        text = np.concatenate([*pieces, np.zeros(len(PADDING), np.uint8)])
        text.flags.writeable = False
        moves = np.cumsum([0, *map(len, pieces[:-1])]) - np.array(first)
        moved = np.repeat(moves.astype(np.int64), [len(part) for part in parts])
        return cls(
            text,
            np.concatenate([part.begins for part in parts]) + moved,
            np.concatenate([part.ends for part in parts]) + moved,
        )

    @property
    def longest(self) -> int:
        """Bytes of the longest text; 0 where there is none."""
        return int((self.ends - self.begins).max(initial=0))

    @property
    def total_bytes(self) -> int:
        """Bytes of all texts."""
        return int((self.ends - self.begins).sum())

    @property
    def are_utf8(self) -> bool:
        """Whether each is valid UTF-8.

        >>> PlacedTexts.of([b"a", "ü".encode()]).are_utf8, PlacedTexts.of(["ü".encode()[:1], b"a"]).are_utf8
        (True, False)
        """
        beyond = np.empty(len(self), np.bool_)
        _find_beyond_ascii(self.text, self.begins, self.ends, beyond)
        try:
            for row in np.flatnonzero(beyond).tolist():
                str(self.text[self.begins[row] : self.ends[row]].data, "utf-8")
        except UnicodeDecodeError:
            return False
        return True


@njit(**LEAN)
def _find_beyond_ascii(text: Any, begins: Any, ends: Any, beyond: Any) -> None:
    """Says in ``beyond`` (k,) which texts are not all ASCII."""
    for index in range(begins.size):
        at, last = begins[index], ends[index] - 8
        found = np.uint64(0)
        while at <= last:
            found |= word_at(text, at)
            at += 8
        found |= word_at(text, at) & first_bytes(ends[index] - at)
        beyond[index] = found & _BEYOND_ASCII != np.uint64(0)
