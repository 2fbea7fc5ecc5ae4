"""Where reading of a partition goes on: an offset is believed only within the topic that it is one of. Pure."""

from dataclasses import dataclass

Partition = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(frozen=True, slots=True)
class Position:
    """The next record to store, of the topic with an id (empty: nobody knows it)."""

    topic_id: str
    offset: int


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition holds: the id of its topic (empty: nobody knows), its first offset, and that after its last."""

    topic_id: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where to go on, how many records are gone for ever that were never stored, and why it is not where it was."""

    position: Position
    lost: int = 0
    why: str = ""


def beginning(stored: Position | None, extent: Extent) -> Beginning:
    """Where to go on with a partition.

    Whatever is read again changes nothing, so that where there is doubt it is read from its beginning.

    >>> beginning(Position("a", 7), Extent("a", 0, 9)).position.offset
    7
    >>> beginning(Position("a", 7), Extent("b", 0, 9))
    Beginning(position=Position(topic_id='b', offset=0), lost=0, why='was made anew')
    >>> beginning(Position("a", 7), Extent("a", 8, 9)).lost
    1
    """
    first = Position(extent.topic_id, extent.first)
    if stored is None:
        return Beginning(first)
    if stored.topic_id and extent.topic_id and stored.topic_id != extent.topic_id:
        return Beginning(first, why="was made anew")
    if stored.offset > extent.end:
        return Beginning(first, why="ends before that")
    if stored.offset < extent.first:
        return Beginning(first, extent.first - stored.offset, "no longer holds that")
    return Beginning(Position(extent.topic_id or stored.topic_id, stored.offset))
