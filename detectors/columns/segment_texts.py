"""The numbers of segments by the JSON that they are named by, for kernels: a hash table over bytes."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING, folded_product, hash_of_bytes, same_bytes, word_at
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.secret import SECRET_FACTOR, SECRET_SEED

MOST_TEXTS: Final = 131_072
"""Texts in memory; the same name is another text where it is escaped in another way."""
MOST_BYTES: Final = 16_000_000
"""Bytes of all texts in memory."""
LONGEST: Final = 2_000
"""Bytes of the longest of them, its name and its peer together."""
NO_NUMBER: Final = -1
NO_PEER: Final = -1
"""The length of the peer of a segment that has none."""
_SECRETS: Final = 16


class SegmentTexts:
    """Which number goes with a name and a peer, as they stand between the quotes in JSON.

    ``places`` (a power of two,) is an open hash table of indexes into ``entries`` (k, 5), -1 where it is free. An entry
    is hash, number, where it begins in ``text``, how long its name is, and how long its peer, which follows the name.
    ``text`` begins with two words that only this process knows, which the hash depends on.
    """

    def __init__(self) -> None:
        self.places: NDArray[np.int32] = np.full(256, -1, np.int32)
        self.entries: Slots = np.zeros((64, 5), np.int64)
        self.text: NDArray[np.uint8] = np.zeros(4_096, np.uint8)
        self.text[:_SECRETS] = np.array([SECRET_SEED, SECRET_FACTOR], np.uint64).view(np.uint8)
        self._count, self._filled = 0, _SECRETS

    @property
    def full(self) -> bool:
        """Whether as many texts are in memory as should be."""
        return self._count >= MOST_TEXTS or self._filled + LONGEST > MOST_BYTES

    def add(self, name: bytes, peer: bytes | None, number: int) -> None:
        """Remember the number of texts that are not known yet, unless they are too long, or the table is full.

        By one thread at a time, and not while a kernel reads.
        """
        together = np.frombuffer(name + (peer or b"") + PADDING, np.uint8)
        length = len(together) - len(PADDING)
        if length > LONGEST or self.full:
            return
        self._make_room(len(together))
        self.text[self._filled : self._filled + len(together)] = together
        peer_length = NO_PEER if peer is None else len(peer)
        key = hash_of_texts(self.text, together, 0, len(name), len(name), peer_length)
        self.entries[self._count] = key, number, self._filled, len(name), peer_length
        _enter(self.places, self.entries, self._count, self._count + 1)
        self._count, self._filled = self._count + 1, self._filled + length

    def _make_room(self, length: int) -> None:
        if self._count == len(self.entries):
            self.entries = np.concatenate([self.entries, np.zeros_like(self.entries)])
        if self._filled + length > len(self.text):
            self.text = np.concatenate([self.text, np.zeros_like(self.text)])
        if 2 * self._count >= len(self.places):
            self.places = np.full(2 * len(self.places), -1, np.int32)
            _enter(self.places, self.entries, 0, self._count)


@njit(**LEAN, forceinline=True)
def hash_of_texts(known: Any, text: Any, name_at: int, name_length: int, peer_at: int, peer_length: int) -> Any:
    """The hash of a name and a peer; without a peer it is another than with an empty one.

    ``known`` begins with the words that only this process knows.
    """
    seed, factor = word_at(known, 0), word_at(known, 8)
    key = hash_of_bytes(seed, factor, text, name_at, name_length)
    if peer_length >= 0:
        key = hash_of_bytes(~key, factor, text, peer_at, peer_length)
    return np.int64(folded_product(key, factor) >> np.uint64(1))


@njit(**LEAN, forceinline=True)
def number_of(
    places: Any,
    entries: Any,
    known: Any,
    text: Any,
    name_at: int,
    name_length: int,
    peer_at: int,
    peer_length: int,
) -> Any:
    """The number of a name and a peer within ``text``; ``NO_NUMBER`` where they are not known.

    ``places``, ``entries`` and ``known`` are the arrays of ``SegmentTexts``.
    """
    key = hash_of_texts(known, text, name_at, name_length, peer_at, peer_length)
    mask = places.size - 1
    place = key & mask
    while places[place] >= 0:
        index = places[place]
        if entries[index, 0] == key and entries[index, 3] == name_length and entries[index, 4] == peer_length:
            begin = entries[index, 2]
            if same_bytes(known, begin, text, name_at, name_length) and same_bytes(
                known, begin + name_length, text, peer_at, peer_length
            ):
                return entries[index, 1]
        place = (place + 1) & mask
    return NO_NUMBER


@njit(**LEAN)
def _enter(places: Any, entries: Any, first: int, last: int) -> None:
    """Give entries [``first``, ``last``) their places."""
    mask = places.size - 1
    for index in range(first, last):
        place = entries[index, 0] & mask
        while places[place] >= 0:
            place = (place + 1) & mask
        places[place] = index
