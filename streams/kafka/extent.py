"""How far a topic goes, and which topic of its name it is: offsets are believed only within that."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Extent:
    """``topic_id`` is what the cluster gave the topic when it was made (empty: none, or it does not say), ``ends`` are
    the offsets after the last record, by partition.
    """

    topic_id: str = ""
    ends: Mapping[int, int] = field(default_factory=dict)

    def is_of(self, topic_id: str) -> bool:
        """Whether an offset of the topic with this id may be one of this topic; where nobody knows, it may.

        >>> Extent("a").is_of("b"), Extent("a").is_of(""), Extent().is_of("b")
        (False, True, True)
        """
        return not (topic_id and self.topic_id) or topic_id == self.topic_id

    def within(self, partition: int, offset: int) -> int:
        """The offset, or the end of its partition where it lies beyond that."""
        return min(offset, self.ends.get(partition, offset))


ExtentOf = Callable[[Sequence[int]], Awaitable[Extent]]
"""Asks for the extent of some partitions of a topic, as it is now."""
