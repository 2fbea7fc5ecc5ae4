"""Where records of executions belong, and where those that tracehound itself wrote came from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aiokafka.partitioner import murmur2

ORIGIN_PREFIX = "tracehound_origin_"
TOPIC_HEADER, PARTITION_HEADER, OFFSET_HEADER, ID_HEADER = (
    ORIGIN_PREFIX + part for part in ("topic", "partition", "offset", "topic_id")
)
NUMBERS_PER_OFFSET = 1_000_000
"""How many numbers one record of the spans topic may use as origins of what it led to."""
LARGEST_OFFSET = 10**17
"""No topic has so many records, also with a million numbers for each."""
_REMEMBERED = 100_000
LONGEST_ID = 64
MOST_PARTITION_DIGITS, MOST_OFFSET_DIGITS = 9, 19

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Origin:
    """What led to a record: an offset of a partition, or a number that grows with it.

    ``topic_id`` says which topic of that name it was; empty where nobody knew.
    """

    topic: str
    partition: int
    offset: int
    topic_id: str = ""

    @property
    def source(self) -> tuple[str, int]:
        """Where numbers grow: they begin again where a topic is made anew.

        >>> Origin("spans", 3, 7, "bEgUn").source
        ('spans@bEgUn', 3)
        """
        return named(self.topic, self.topic_id), self.partition


@dataclass(frozen=True, slots=True)
class OriginTopic:
    """A topic that origins name: how many partitions it has, and how many numbers each of its records may use."""

    partitions: int
    per_offset: int = 1


def named(topic: str, topic_id: str) -> str:
    """A name for one topic of those that had the same name.

    >>> named("spans", ""), named("spans", "bEgUn")
    ('spans', 'spans@bEgUn')
    """
    return f"{topic}@{topic_id}" if topic_id else topic


class Partitioner:
    """Kafka's default partitioner: murmur2 of the application's name in UTF-8.

    >>> Partitioner(12).partition_of("shop")
    0
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._known: dict[str, int] = {}

    def partition_of(self, application: str) -> int:
        """The partition in which all executions of this application belong."""
        partition = self._known.get(application)
        if partition is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            partition = (murmur2(application.encode()) & 0x7FFFFFFF) % self._partitions
            self._known[application] = partition
        return partition


def origin_headers(
    headers: Headers, topic: str, partition: int, offset: int, topic_id: str = ""
) -> list[tuple[str, bytes]]:
    """A record's own headers, and what led to it: where it was read, or a number that grows with that."""
    return [
        *without_origin(headers),
        (TOPIC_HEADER, topic.encode()),
        (PARTITION_HEADER, b"%d" % partition),
        (OFFSET_HEADER, b"%d" % offset),
        *([(ID_HEADER, topic_id.encode())] if topic_id else ()),
    ]


def without_origin(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers that the producer gave."""
    return [header for header in headers if not header[0].startswith(ORIGIN_PREFIX)]


def read_origin(headers: Headers, topics: Collection[str], partitions: int) -> Origin | None:
    """What led to a record, if it was one of ``topics``; None if a producer wrote it, or the headers are wrong.

    >>> read_origin(origin_headers([], "executions", 3, 41), {"executions"}, 12)
    Origin(topic='executions', partition=3, offset=41, topic_id='')
    >>> read_origin([("tracehound_origin_offset", b"soon")], {"executions"}, 12) is None
    True
    """
    if not headers:
        return None
    given = dict(headers)
    topic = (given.get(TOPIC_HEADER) or b"").decode(errors="replace")
    partition, offset = given.get(PARTITION_HEADER), given.get(OFFSET_HEADER)
    if topic not in topics or partition is None or offset is None:
        return None
    if not (partition.isdigit() and len(partition) <= MOST_PARTITION_DIGITS):
        return None
    if not (offset.isdigit() and len(offset) <= MOST_OFFSET_DIGITS):
        return None
    topic_id = (given.get(ID_HEADER) or b"")[:LONGEST_ID].decode(errors="replace")
    origin = Origin(topic, int(partition), int(offset), topic_id)
    return origin if origin.partition < partitions and origin.offset < LARGEST_OFFSET else None
