"""Samples of topics: the newest records of each, within bounds of topics, partitions, records and time."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics
from tracehound.scripts.kafka.clients import admin_config
from tracehound.scripts.kafka.topic_reading import TIMEOUT_S, TopicReader, Unreadable
from tracehound.streams.settings.settings import Settings

MOST_TOPICS = 200
"""Topics read, the fullest, unless more are named; all are counted."""
RECORDS = 20
"""Records read of a topic."""
_EXECUTIONS = Topics("").executions.name
_PARTITIONS = 4
"""Partitions of a topic that are read; the fullest."""
_MOST_PARTITIONS = 64
"""Partitions of a topic whose records are counted."""
_READ_S = 15.0
_INTERNAL = "__"
_ASKED_AT_ONCE = 5_000

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A record as it was read."""

    value: bytes | None
    headers: Headers = ()


@dataclass(slots=True)
class TopicSample:
    """The newest records of a topic, how many it holds, and why it could not be read (empty: it was)."""

    topic: str
    held: int = 0
    records: list[Sampled] = field(default_factory=list)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples in the order of their topics' names, and how many topics were not read."""

    topics: list[TopicSample]
    passed_over: int


def sample_topics(settings: Settings, wanted: Sequence[str] = (), most_topics: int = MOST_TOPICS) -> Samples:
    """Look at the topics of a broker.

    Parameters:
        settings: where the broker is, and how to talk to it.
        wanted: topics to look at; none: all but Kafka's own and what tracehound itself writes.
        most_topics: how many of them are read.

    Raises:
        BrokerError: no broker answers, or a wanted topic is not there.
    """
    with TopicReader(settings) as reader:
        known = reader.topics()
        if missing := [topic for topic in wanted if topic not in known]:
            raise BrokerError(
                f"The topic {missing[0]} does not exist at {settings.bootstrap_servers}, or is hidden from this user."
            )
        written = _written_by_tracehound(known)
        names = sorted(wanted or (name for name in known if name not in written and not name.startswith(_INTERNAL)))
        samples = {name: TopicSample(name) for name in names}
        ends = _ends(settings, {name: known[name][:_MOST_PARTITIONS] for name in names}, samples)
        fullest = sorted(samples.values(), key=lambda each: (not each.trouble, -each.held))
        chosen = samples if wanted else {each.topic: samples[each.topic] for each in fullest[:most_topics]}
        _read(reader, {each: end for each, end in ends.items() if each.topic in chosen}, samples)
    return Samples([samples[name] for name in names if name in chosen], len(names) - len(chosen))


def _written_by_tracehound(known: Collection[str]) -> set[str]:
    """The topics of each tracehound that is here, but for those that it reads others' executions from."""
    found: set[str] = set()
    for name in known:
        if name.endswith(_EXECUTIONS):
            topics = Topics(name.removesuffix(_EXECUTIONS), otlp_names=())
            found.update(each.name for each in topics.all() if each not in (topics.executions, topics.traces))
    return found


Ends = dict[TopicPartition, tuple[int, int]]


def _ends(settings: Settings, partitions: Mapping[str, Sequence[int]], samples: Mapping[str, TopicSample]) -> Ends:
    """First offset and offset after the last of each partition that holds anything."""
    asked = [TopicPartition(topic, number) for topic, numbers in partitions.items() for number in numbers]
    admin = AdminClient(admin_config(settings))
    bounds: list[dict[tuple[str, int], int]] = []
    for spec in (OffsetSpec.earliest(), OffsetSpec.latest()):
        told: dict[TopicPartition, Any] = {}
        for begin in range(0, len(asked), _ASKED_AT_ONCE):
            some = dict.fromkeys(asked[begin : begin + _ASKED_AT_ONCE], spec)
            told |= admin.list_offsets(some, request_timeout=TIMEOUT_S)
        found: dict[tuple[str, int], int] = {}
        for partition, future in told.items():
            try:
                found[partition.topic, partition.partition] = future.result().offset
            except KafkaException as error:
                samples[partition.topic].trouble = _why(error.args[0])
        bounds.append(found)
    low, high = bounds
    ends = {}
    for (topic, number), end in high.items():
        begin = low.get((topic, number), 0)
        if begin < end:
            ends[TopicPartition(topic, number)] = (begin, end)
            samples[topic].held += end - begin
    return ends


def _read(reader: TopicReader, ends: Ends, samples: Mapping[str, TopicSample]) -> None:
    fullest: dict[str, list[TopicPartition]] = {}
    for partition in sorted(ends, key=lambda each: ends[each][0] - ends[each][1]):
        fullest.setdefault(partition.topic, []).append(partition)
    positions = [
        TopicPartition(each.topic, each.partition, max(ends[each][0], ends[each][1] - RECORDS))
        for some in fullest.values()
        for each in some[:_PARTITIONS]
    ]
    for message in reader.newest(positions, time.monotonic() + _READ_S):
        sample = samples[message.topic]
        if isinstance(message, Unreadable):
            sample.trouble = f"this user may not read it ({message.why.rstrip('.')})"
        elif len(sample.records) < RECORDS:
            sample.records.append(Sampled(message.value, _headers(message.headers)))


def _why(error: KafkaError) -> str:
    refused = error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    return f"this user may not read it ({error.str()})" if refused else str(error.str())


def _headers(given: Iterable[tuple[str, bytes | None]] | None) -> Headers:
    return [(name, value or b"") for name, value in given or ()]
