"""One function for every way to a Kafka broker: one that is there, a real one started here, the embedded one."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.container import DockerKafka, why_no_engine
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.infra.kafka.jars import broker_jars, find_java
from tracehound.infra.kafka.topics import count_brokers, ensure_topics
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics

Kind = Literal["auto", "external", "real", "new", "docker", "jvm", "embedded"]
Cluster = ApacheKafka | DockerKafka | EmbeddedBrokerProcess
SERVERS_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

_TRIED: Mapping[str, tuple[str, ...]] = {
    "auto": ("external", "docker", "jvm", "embedded"),
    "real": ("external", "docker", "jvm"),
    "new": ("docker", "jvm"),
    "external": ("external",),
    "docker": ("docker",),
    "jvm": ("jvm",),
    "embedded": ("embedded",),
}
_MOST_REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker, or a cluster of them, that serves.

    ``kind`` is what it turned out to be: external, docker, jvm or embedded. ``cluster`` is what was started here,
    with its own verbs for stopping brokers or injecting faults; None for an external one.
    """

    bootstrap_servers: str
    kind: str
    brokers: int
    cluster: Cluster | None
    client_config: Mapping[str, Any]

    @property
    def embedded(self) -> bool:
        """Whether it is the embedded broker, whose group protocol needs a delay and which has no CreateTopics."""
        return self.kind == "embedded"

    @property
    def replication_factor(self) -> int:
        """Replicas that topics get: as many as there are brokers, at most 3."""
        return min(self.brokers, _MOST_REPLICAS)

    def create_topics(self, topics: Topics) -> list[str]:
        """Create what is missing of the topics, on any kind of broker; returns a sentence for each."""
        if not isinstance(self.cluster, EmbeddedBrokerProcess):
            return ensure_topics(self.client_config, topics, self.replication_factor)
        said = []
        for topic in topics.all():
            created = self.cluster.create_topic(topic.name, topic.partitions)
            said.append(
                f"created {topic.name}: {topic.partitions} partitions" if created else f"unchanged {topic.name}"
            )
        return said


@contextmanager
def broker(
    kind: Kind = "auto",
    brokers: int = 1,
    topics: Topics | None = None,
    *,
    port: int | None = None,
    client_config: Mapping[str, Any] | None = None,
    timeout_s: float = 15.0,
) -> Iterator[Broker]:
    """A Kafka broker for as long as the ``with`` statement runs.

    Parameters:
        kind: ``external`` is the one at KAFKA_BOOTSTRAP_SERVERS; ``docker`` and ``jvm`` start an Apache Kafka;
            ``embedded`` starts librdkafka's mock in a process of its own; ``real`` is the external one if the
            variable is set, else Docker's if an engine answers, else the JVM's; ``new`` is one of the last two,
            whatever the variable says; ``auto`` is ``real``, or the embedded one where no real one can be had.
        brokers: how many to start; an external cluster has as many as it has.
        topics: topics to create.
        port: port of the first broker started; any free one without it. The embedded one cannot choose.
        client_config: settings of librdkafka for an external cluster (SASL, TLS).
        timeout_s: how long an external broker may take to answer.

    Raises:
        BrokerError: none can be had; the message says everything that was tried and what each said.
    """
    if kind not in _TRIED:
        raise BrokerError(f"The broker's 'kind' must be one of {', '.join(_TRIED)}. Got {kind!r} instead.")
    started = _first(kind, _Wanted(brokers, port, client_config or {}, timeout_s))
    try:
        if topics is not None:
            started.create_topics(topics)
        yield started
    finally:
        if started.cluster is not None:
            started.cluster.close()


def why_no_real_broker() -> str | None:
    """Why no real Apache Kafka can be had here, or None if one can. Fetches its jars if they are needed."""
    if os.environ.get(SERVERS_VARIABLE) or why_no_engine() is None:
        return None
    try:
        find_java()
        broker_jars()
    except BrokerError as error:
        return f"{SERVERS_VARIABLE} is not set; {why_no_engine()}; {error}"
    return None


@dataclass(frozen=True, slots=True)
class _Wanted:
    brokers: int
    port: int | None
    client_config: Mapping[str, Any]
    timeout_s: float


def _first(kind: str, wanted: _Wanted) -> Broker:
    tried: list[str] = []
    for way in _TRIED[kind]:
        try:
            return _START[way](wanted)
        except BrokerError as error:
            if len(_TRIED[kind]) == 1:
                raise
            tried.append(f"{way}: {error}")
            if way == "external" and os.environ.get(SERVERS_VARIABLE):
                break  # whoever names a broker wants that one, not a substitute
    raise BrokerError(f"No Kafka broker can be had (asked for {kind!r}).\n" + "\n".join(tried))


def _external(wanted: _Wanted) -> Broker:
    servers = os.environ.get(SERVERS_VARIABLE)
    if not servers:
        raise BrokerError(f"{SERVERS_VARIABLE} is not set.")
    config = {"bootstrap.servers": servers, **wanted.client_config}
    return Broker(servers, "external", count_brokers(config, wanted.timeout_s), None, config)


def _docker(wanted: _Wanted) -> Broker:
    return _started("docker", wanted, DockerKafka(wanted.brokers, wanted.port))


def _jvm(wanted: _Wanted) -> Broker:
    return _started("jvm", wanted, ApacheKafka(wanted.brokers, wanted.port))


def _embedded(wanted: _Wanted) -> Broker:
    if wanted.port is not None:
        raise BrokerError(f"The embedded broker chooses its port by itself. Got 'port' {wanted.port}.")
    return _started("embedded", wanted, EmbeddedBrokerProcess(wanted.brokers))


def _started(kind: str, wanted: _Wanted, cluster: Cluster) -> Broker:
    servers = cluster.bootstrap_servers
    return Broker(servers, kind, wanted.brokers, cluster, {"bootstrap.servers": servers})


_START: Mapping[str, Callable[[_Wanted], Broker]] = {
    "external": _external,
    "docker": _docker,
    "jvm": _jvm,
    "embedded": _embedded,
}
