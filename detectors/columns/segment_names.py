"""Numbers for what segments are called, so that kernels can tell names and called peers apart."""

from hashlib import blake2b
from threading import Lock

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.numbered_texts import NumberedTexts
from tracehound.schemas.operations import normalize_operation

NUMBERED_NAMES = 65_536
"""Names in memory; beyond, all are numbered anew."""
MOST_LETTERS = 32_000_000
"""The same of the letters of all names and of the peers that they go with."""
NOBODY = -1
"""The number of the peer of a segment that calls nobody."""


def part_called(name: str, peer: str | None) -> str:
    """What a developer would call a segment's share of the time: the called service, or the segment's name."""
    return f"calls to {peer}" if peer else name


class _NamesOfPeer(dict[str, int]):
    """The numbers of the segments' names that go with one peer."""

    def __init__(self, names: "SegmentNames", peer: str | None) -> None:
        self._names = names
        self._peer = peer
        self.part = part_called("", peer)

    def __missing__(self, name: str) -> int:
        return self._names.take_up(self, name, self._peer)


class SegmentNames(dict[str | None, _NamesOfPeer]):
    """A number for each (peer, name) of a segment, and what follows from these two alone, by number.

    ``path`` is a 63-bit hash of both, where ids within URL-like names do not count. ``joined_peer`` is the number of
    the peer that a joined call with this name is to, which is the name where the peer has none; ``waited_peer`` that
    of a call whose other side is not known, ``NOBODY`` where the segment calls nobody. ``peers`` are their names,
    ``parts`` what ``part_called`` says of the segments, by number, and ``texts`` the numbers by what stands in JSON.

    >>> names = SegmentNames()
    >>> names["db"]["SELECT"], names[None]["render"], names["db"]["SELECT"]
    (0, 1, 0)
    >>> names.peers, names.joined_peer[:2].tolist(), names.waited_peer[:2].tolist()
    (['db', 'render'], [0, 1], [0, -1])
    """

    def __init__(self) -> None:
        self.path: Slots = np.zeros(64, np.int64)
        self.joined_peer: Slots = np.zeros(64, np.int64)
        self.waited_peer: Slots = np.zeros(64, np.int64)
        self.peers: list[str] = []
        self.parts: list[str] = []
        self.texts = NumberedTexts()
        self._peer_numbers: dict[str, int] = {}
        self._count = self._letters = 0
        self._lock = Lock()

    def __missing__(self, peer: str | None) -> _NamesOfPeer:
        return self.setdefault(peer, _NamesOfPeer(self, peer))

    @property
    def full(self) -> bool:
        """Whether as many names are in memory as should be."""
        return self._count >= NUMBERED_NAMES or self._letters >= MOST_LETTERS or self.texts.full

    def take_up(self, known: _NamesOfPeer, name: str, peer: str | None) -> int:
        """Give the next number to a name that is not among those ``known`` of its peer."""
        with self._lock:
            if name in known:
                return known[name]
            number = self._count
            if number >= len(self.path):
                self._grow()
            self.path[number] = hash_of(name, peer or "")
            self.joined_peer[number] = self._peer_number(peer or name)
            self.waited_peer[number] = NOBODY if peer is None else self._peer_number(peer)
            self.parts.append(known.part or name)
            self._count += 1
            self._letters += len(name) + len(peer or "")
            known[name] = number
            return number

    def _peer_number(self, peer: str) -> int:
        number = self._peer_numbers.setdefault(peer, len(self.peers))
        if number == len(self.peers):
            self.peers.append(peer)
        return number

    def _grow(self) -> None:
        self.path, self.joined_peer, self.waited_peer = (
            np.concatenate([numbers, np.zeros_like(numbers)])
            for numbers in (self.path, self.joined_peer, self.waited_peer)
        )


def hash_of(name: str, peer: str) -> int:
    """63 bits that follow from a segment's name without the ids in it, and its peer (BLAKE2b).

    >>> hash_of("GET /users/8231", "") == hash_of("GET /users/17", "")
    True
    """
    text = f"{normalize_operation(name)}\0{peer}"
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little") >> 1


class _Current:
    """The names of this process; a full table is replaced, and whoever still reads the old one may go on."""

    def __init__(self) -> None:
        self._names = SegmentNames()

    def __call__(self) -> SegmentNames:
        if self._names.full:
            self._names = SegmentNames()
        return self._names


segment_names = _Current()
"""The table to number the next batch with."""
