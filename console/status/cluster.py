"""What Kafka says of tracehound: brokers, topics, who reads them, and how much waits; asked aside, and remembered."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from tracehound.infra.kafka.topics import Client, connect
from tracehound.schemas.errors import TracehoundError
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.groups import Group, groups_of
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S: Final = 5.0
_FRESH_S: Final = 10.0
_PATIENCE_S: Final = 0.3
"""A page waits no longer than that: it says that Kafka was asked, and shows what it said when it asks again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """Processes of a kind. ``members`` is None where the broker does not tell, ``waiting`` counts records."""

    command: str
    group: str
    needed_for: str
    members: int | None
    waiting: int


@dataclass(frozen=True, slots=True)
class ClusterTold:
    """What Kafka said at ``at_s`` (epoch seconds); ``trouble`` says why it said nothing.

    ``partitions`` of the topics that are ours; ``missing`` are those that are not there.
    """

    at_s: float
    trouble: str = ""
    brokers: int = 0
    partitions: Mapping[str, int] | None = None
    missing: Sequence[str] = ()
    readings: Sequence[Reading] = ()


class KafkaCluster:
    """Asks Kafka in a thread of its own, no more often than every ten seconds.

    Parameters:
        clock: epoch seconds.
        ask: asks it; may take some seconds.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float], ask: Callable[[Settings], ClusterTold] | None = None
    ) -> None:
        self._settings, self._clock, self._ask = settings, clock, ask or ask_kafka
        self._lock = threading.Lock()
        self._told: ClusterTold | None = None
        self._asked_s = 0.0
        self._answered = threading.Event()
        self._answered.set()

    def look(self) -> ClusterTold | None:
        """What it said last; None where it has not answered yet."""
        with self._lock:
            if self._answered.is_set() and (self._told is None or time.monotonic() - self._asked_s > _FRESH_S):
                self._answered.clear()
                self._asked_s = time.monotonic()
                threading.Thread(target=self._run, name="cluster", daemon=True).start()
        self._answered.wait(_PATIENCE_S)
        return self._told

    def _run(self) -> None:
        try:
            self._told = self._ask(self._settings)
        except (KafkaException, TracehoundError) as error:
            sentence = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            self._told = ClusterTold(self._clock(), sentence)
        except Exception as error:  # a page that shows the rest is better than none
            log.exception("cluster_unknown")
            self._told = ClusterTold(self._clock(), type(error).__name__)
        finally:
            self._answered.set()


def ask_kafka(settings: Settings) -> ClusterTold:
    """Ask it.

    Raises:
        KafkaException: no broker answers in time.
        ConfigurationError: librdkafka does not accept the settings.
    """
    client = connect(librdkafka_options(settings))
    found = client.admin.list_topics(timeout=_TIMEOUT_S)
    wanted = [topic.name for topic in settings.topics.all()]
    partitions = {name: len(found.topics[name].partitions) for name in wanted if name in found.topics}
    readings = [
        Reading(
            *(group.command, group.group, group.needed_for),
            _members(group.group, client),
            _waiting(group, partitions, settings),
        )
        for group in groups_of(settings)
    ]
    missing = [name for name in wanted if name not in partitions]
    return ClusterTold(time.time(), "", len(found.brokers), partitions, missing, readings)


def _members(group: str, client: Client) -> int | None:
    try:
        described = client.admin.describe_consumer_groups([group], request_timeout=_TIMEOUT_S)[group].result()
    except KafkaException:  # the embedded broker does not tell
        return None
    return len(described.members)


def _waiting(group: Group, partitions: Mapping[str, int], settings: Settings) -> int:
    asked = [TopicPartition(topic, number) for topic in group.topics for number in range(partitions.get(topic, 0))]
    if not asked:
        return 0
    options = {**librdkafka_options(settings), "log_level": 0, "group.id": group.group, "enable.auto.commit": False}
    with closing(Consumer(options)) as consumer:  # which joins no group
        try:
            committed = consumer.committed(asked, _TIMEOUT_S)
        except KafkaException:  # a new cluster has no coordinator yet
            committed = asked
        waiting = 0
        for place in committed:
            low, high = consumer.get_watermark_offsets(place, _TIMEOUT_S)
            waiting += high - max(low, place.offset)
    return waiting
