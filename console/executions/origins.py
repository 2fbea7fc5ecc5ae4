"""Which executions that tracehound itself wrote are counted already: after a crash they may come again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tracehound.streams.kafka.forwarding import Origin


class Source(NamedTuple):
    """Where numbers of records grow: as read from a partition of executions, those of a partition of another topic."""

    partition: int
    topic: str
    source_partition: int


@dataclass(slots=True)
class CountedOrigins:
    """The highest number that is counted of each source. Origins of one source come in order."""

    numbers: dict[Source, int] = field(default_factory=dict)
    changed: set[Source] = field(default_factory=set)

    def is_counted(self, partition: int, origin: Origin) -> bool:
        """Whether what led to a record has been counted before."""
        return origin.offset <= self.numbers.get(Source(partition, *origin.source), -1)

    def note(self, partition: int, origin: Origin) -> None:
        """A record with this origin is counted."""
        source = Source(partition, *origin.source)
        if source not in self.numbers:  # the numbers of a topic of that name that is no more mean nothing
            for other in list(self._others(source, origin.topic)):
                del self.numbers[other]
                self.changed.add(other)
        self.numbers[source] = origin.offset
        self.changed.add(source)

    def _others(self, source: Source, topic: str) -> Iterator[Source]:
        for other in self.numbers:
            if other[::2] == source[::2] and other.topic.partition("@")[0] == topic:
                yield other

    def drop(self, partition: int) -> None:
        """Forget a partition that others read now."""
        for source in [one for one in self.numbers if one.partition == partition]:
            del self.numbers[source]
            self.changed.discard(source)
