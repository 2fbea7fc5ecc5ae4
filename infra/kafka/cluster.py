"""What an Apache Kafka cluster on this machine consists of, whether in processes or in containers."""

import base64
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tracehound.infra.kafka.ports import free_ports, is_free
from tracehound.schemas.errors import BrokerError

HOST = "127.0.0.1"
MAX_MESSAGE_BYTES = 10 * 1024 * 1024
START_TIMEOUT_S = 300.0
_POLL_S = 0.25
_METADATA_TIMEOUT_S = 2.0
_MAX_BROKERS = 9


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node listens on the loopback address."""

    node: int
    client_port: int
    controller_port: int


def new_cluster_id() -> str:
    """A random id of a cluster, in base64 as Kafka writes it; with a dash first, its tools would see an option."""
    return "T" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def server_properties(address: Address, cluster: Sequence[Address], data: PurePath) -> dict[str, str]:
    """The settings of one node: those that make the cluster, and those that suit tests on one machine."""
    replicas = str(min(len(cluster), 3))
    in_sync = "2" if len(cluster) >= 3 else "1"
    return {
        "process.roles": "broker,controller",
        "node.id": str(address.node),
        "controller.quorum.voters": ",".join(f"{a.node}@{HOST}:{a.controller_port}" for a in cluster),
        "listeners": f"PLAINTEXT://{HOST}:{address.client_port},CONTROLLER://{HOST}:{address.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{address.client_port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": "0",
        "message.max.bytes": str(MAX_MESSAGE_BYTES),
        "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # the default would fill a quarter of the heap
        "broker.session.timeout.ms": "6000",  # a killed broker's partitions move on after this
        "broker.heartbeat.interval.ms": "1000",
    }


def choose_addresses(brokers: int, port: int | None) -> list[Address]:
    """Ports for a cluster's brokers: from ``port`` on, or any free ones.

    Raises:
        BrokerError: the number of brokers is out of range, or a port is taken.
    """
    if not 1 <= brokers <= _MAX_BROKERS:
        raise BrokerError(f"The cluster's 'brokers' must be from 1 to {_MAX_BROKERS}. Got {brokers} instead.")
    try:
        ports = free_ports(2 * brokers)
    except OSError as error:
        raise BrokerError(f"Apache Kafka cannot start: {error}.") from error
    clients = ports[:brokers]
    if port is not None:
        clients = list(range(port, port + brokers))
        taken = [str(number) for number in clients if not is_free(number)]
        if taken:
            raise BrokerError(f"Apache Kafka cannot start: port {', '.join(taken)} of {HOST} is taken.")
    return [
        Address(index + 1, client, controller)
        for index, (client, controller) in enumerate(zip(clients, ports[brokers:], strict=True))
    ]


def wait_for_members(addresses: Sequence[Address], timeout_s: float, ended: Callable[[], str | None]) -> None:
    """Wait until each of the brokers answers, and knows exactly these brokers as members of its cluster.

    ``ended`` says which of them has ended by itself, if any.

    Raises:
        BrokerError: one has ended, or it takes too long.
    """
    nodes = {address.node for address in addresses}
    # Each is asked at its own address: a killed broker stays a member in the others' eyes for a while.
    waiting = [f"{HOST}:{address.client_port}" for address in addresses]
    deadline = time.monotonic() + timeout_s
    while waiting := [address for address in waiting if _members(address) != nodes]:
        reason = ended()
        if reason is not None:
            raise BrokerError(reason)
        if time.monotonic() > deadline:
            raise BrokerError(f"Apache Kafka does not serve at {', '.join(waiting)} after {timeout_s:g} s.")
        time.sleep(_POLL_S)


def _members(address: str) -> set[int]:
    try:
        client = AdminClient({"bootstrap.servers": address, "log_level": 0})
        return set(client.list_topics(timeout=_METADATA_TIMEOUT_S).brokers)
    except KafkaException:
        return set()  # not up yet: the caller asks again until its deadline
