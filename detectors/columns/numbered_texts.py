"""Numbers of what is named in JSON by its bytes, for kernels: a hash table over one or two texts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING, folded_product, hash_of_bytes, same_bytes, word_at
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.secret import SECRET_FACTOR, SECRET_SEED

MOST_TEXTS: Final = 131_072
"""Texts in memory of each kind; the same name is another text where it is escaped in another way."""
MOST_BYTES: Final = 16_000_000
"""Bytes of all texts in memory."""
LONGEST: Final = 2_000
"""Bytes of the longest of them, its name and its peer together."""
NO_NUMBER: Final = -1
NO_PEER: Final = -1
"""The length of the second text, of a peer as it is with segments, where there is none."""
_SECRETS: Final = 16


NumberOf = Callable[[bytes, bytes | None], int]
"""The number of a name and a peer, as they stand between the quotes in JSON."""


class NumberedTexts:
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

    def number(self, text: NDArray[np.uint8], numbers: Slots, where: Slots, number: "NumberOf") -> None:
        """Put the number of each that is ``NO_NUMBER`` among ``numbers`` (n,) there, and remember it.

        ``where`` (4, n) are their places in ``text`` (bytes,). By one thread at a time, and not while a kernel reads.

        Raises:
            msgspec.DecodeError: one is no valid name, as ``number`` says.
        """
        unknown = np.flatnonzero(numbers == NO_NUMBER)
        if not len(unknown):
            return
        news: dict[tuple[bytes, bytes | None], int] = {}
        for at, (name_at, name_length, peer_at, peer_length) in zip(
            unknown.tolist(), where[:, unknown].T.tolist(), strict=True
        ):
            name = text[name_at : name_at + name_length].tobytes()
            peer = None if peer_length == NO_PEER else text[peer_at : peer_at + peer_length].tobytes()
            if (name, peer) not in news:
                news[name, peer] = number(name, peer)
            numbers[at] = news[name, peer]
        self.add(news)

    @property
    def tables(self) -> tuple[Any, ...]:
        """For kernels: ``places``, ``entries`` and ``text``."""
        return self.places, self.entries, self.text

    @property
    def full(self) -> bool:
        """Whether as many texts are in memory as should be."""
        return self._count >= MOST_TEXTS or self._filled + LONGEST > MOST_BYTES

    def add(self, news: Mapping[tuple[bytes, bytes | None], int]) -> None:
        """Remember the numbers of names and peers that are not known yet, but of those that are too long, or for which
        there is no room.

        By one thread at a time, and not while a kernel reads.
        """
        added: list[tuple[int, int, int]] = []
        pieces: list[bytes] = []
        begin, count = self._filled, self._count
        for (name, peer), number in news.items():
            length = len(name) + (0 if peer is None else len(peer))
            if length > LONGEST or count + len(added) >= MOST_TEXTS or begin + LONGEST > MOST_BYTES:
                continue
            pieces += (name, peer or b"")
            added.append((number, len(name), NO_PEER if peer is None else len(peer)))
            begin += length
        self._make_room(len(added), begin - self._filled)
        together = np.frombuffer(b"".join((*pieces, PADDING)), np.uint8)
        self.text[self._filled : self._filled + len(together)] = together
        _add(self.places, self.entries, self.text, self._filled, count, np.array(added, np.int64).reshape(-1, 3))
        self._count, self._filled = count + len(added), begin

    def _make_room(self, count: int, length: int) -> None:
        while self._count + count > len(self.entries):
            self.entries = np.concatenate([self.entries, np.zeros_like(self.entries)])
        while self._filled + length + len(PADDING) > len(self.text):
            self.text = np.concatenate([self.text, np.zeros_like(self.text)])
        size = len(self.places)
        while 2 * (self._count + count) >= size:
            size *= 2
        if size > len(self.places):
            self.places = np.full(size, -1, np.int32)
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
def number_of(tables: Any, text: Any, name_at: int, name_length: int, peer_at: int, peer_length: int) -> Any:
    """The number of a name and a peer within ``text``; ``NO_NUMBER`` where they are not known.

    ``tables`` are those of ``NumberedTexts``.
    """
    places, entries, known = tables
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


@njit(**LEAN)
def _add(places: Any, entries: Any, text: Any, at: int, count: int, added: Any) -> None:
    """Enter texts that lie one after the other from ``at`` on; ``added`` (k, 3) are number and lengths."""
    for index in range(len(added)):
        number, name_length, peer_length = added[index]
        entry = entries[count + index]
        entry[0] = hash_of_texts(text, text, at, name_length, at + name_length, peer_length)
        entry[1], entry[2], entry[3], entry[4] = number, at, name_length, peer_length
        at += name_length + max(peer_length, 0)
    _enter(places, entries, count, count + len(added))
