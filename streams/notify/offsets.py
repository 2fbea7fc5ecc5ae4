"""Which messages of a partition are still owed to whom, kept with the committed offset. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

_MOST_BYTES = 3_500
"""Brokers take 4,096 bytes of metadata with an offset."""


class _Metadata(msgspec.Struct, omit_defaults=True):
    """``to``: records from the committed offset to there were read. ``owed``: how far beyond the committed offset
    those records are which a receiver is still to be told of. ``topic_id``: of the topic that all of this is about."""

    to: int
    owed: dict[str, list[int]]
    topic_id: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """An offset to commit, and its metadata: what of the records behind it is not yet done."""

    offset: int
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Debts:
    """What was owed when a partition was last left: everything from ``to`` on, and before it what ``owed`` names.

    ``topic_id`` is that of the topic it was left of; empty where nobody knew it.
    """

    to: int
    owed: Mapping[str, frozenset[int]] = field(default_factory=dict)
    topic_id: str = ""

    def include(self, receiver: str, offset: int) -> bool:
        """Whether a receiver is still to be told of the record at an offset."""
        return offset >= self.to or offset in self.owed.get(receiver, ())


def read_commit(offset: int, metadata: str) -> Debts:
    """The debts in what was committed; of metadata that is none of ours, only the offset counts.

    >>> read_commit(10, '{"to":15,"owed":{"chat":[0,3]}}').owed
    {'chat': frozenset({10, 13})}
    """
    try:
        found = msgspec.json.decode(metadata, type=_Metadata)
    except (msgspec.DecodeError, RecursionError):
        return Debts(offset)
    if found.to < offset:
        return Debts(offset, topic_id=found.topic_id)
    owed = {name: frozenset(offset + beyond for beyond in distances) for name, distances in found.owed.items()}
    return Debts(found.to, owed, found.topic_id)


def nothing_owed(offset: int, topic_id: str) -> Commit:
    """What to commit where all before an offset is done."""
    if not topic_id:
        return Commit(offset)
    return Commit(offset, msgspec.json.encode(_Metadata(offset, {}, topic_id)).decode())


class OwedMessages:
    """The messages of one partition that are not yet done: told, given up, or needless by now.

    Parameters:
        position: offset of the next record to read.
        topic_id: id of their topic, which is committed beside offsets; empty where nobody knows it.
    """

    def __init__(self, position: int, topic_id: str = "") -> None:
        self._position = position
        self._topic_id = topic_id
        self._owed: dict[int, set[str]] = {}

    def read(self, offset: int) -> None:
        """A record was read; what it is owed to must be added before."""
        self._position = max(self._position, offset + 1)

    def add(self, receiver: str, offset: int) -> None:
        """A receiver is to be told of the record at an offset."""
        self._owed.setdefault(offset, set()).add(receiver)

    def done(self, receiver: str, offset: int) -> None:
        """That need not be done any more; harmless where it was never owed."""
        receivers = self._owed.get(offset)
        if receivers is not None:
            receivers.discard(receiver)
            if not receivers:
                del self._owed[offset]

    def includes(self, receiver: str, offset: int) -> bool:
        """Whether a receiver is still to be told of the record at an offset."""
        return receiver in self._owed.get(offset, ())

    def commit(self) -> Commit:
        """What to commit. Where too much is owed to be named, more is sent again after a restart than need be."""
        if not self._owed:
            return nothing_owed(self._position, self._topic_id)
        offsets = sorted(self._owed)
        base, to = offsets[0], self._position
        room = _MOST_BYTES - sum(len(name) + 8 for name in self._names(offsets))
        for number, offset in enumerate(offsets):
            room -= sum(len(str(offset - base)) + 1 for _ in self._owed[offset])
            if room < 0:
                offsets, to = offsets[:number], offset
                break
        owed: dict[str, list[int]] = {}
        for offset in offsets:
            for name in sorted(self._owed[offset]):
                owed.setdefault(name, []).append(offset - base)
        return Commit(base, msgspec.json.encode(_Metadata(to, owed, self._topic_id)).decode())

    def _names(self, offsets: Iterable[int]) -> set[str]:
        return {name for offset in offsets for name in self._owed[offset]}
