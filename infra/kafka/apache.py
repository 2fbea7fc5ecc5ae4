"""A real Apache Kafka cluster from the JVM: KRaft, one or several brokers on 127.0.0.1, gone when closed."""

import base64
import shutil
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.kafka.jars import broker_jars, find_java, kafka_version
from infra.kafka.node import HOST, Address, Node, server_properties
from infra.kafka.ports import free_ports, is_free
from schemas.errors import BrokerError

DEFAULT_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.25
_METADATA_TIMEOUT_S = 5.0
_ATTEMPTS = 3  # a port that was free may be taken by the time the broker wants it
_MAX_BROKERS = 9


class ApacheKafka:
    """An Apache Kafka cluster, serving when the constructor returns. Close it, or use it in a ``with``.

    Each broker is a controller too, in a process of its own; all data is temporary. Brokers are numbered
    from 1. The processes end with ``close`` and when this process dies in any way, kill -9 included.

    Parameters:
        brokers: how many, 1 to 9. From 3 on, topics have three replicas and ``min.insync.replicas`` is 2.
        port: the first broker's port, the next ones follow; any free ports without it.
        start_timeout_s: how long the cluster may take to serve.

    Raises:
        BrokerError: Java, Maven or the jars are missing, or the cluster does not serve in time; says why.
    """

    def __init__(
        self, brokers: int = 1, port: int | None = None, start_timeout_s: float = DEFAULT_START_TIMEOUT_S
    ) -> None:
        if not 1 <= brokers <= _MAX_BROKERS:
            raise BrokerError(
                f"The cluster's 'brokers' must be from 1 to {_MAX_BROKERS}. Got {brokers} instead."
            )
        self._java, self._jars = find_java(), broker_jars()
        self._timeout_s = start_timeout_s
        self._nodes: dict[int, Node] = {}
        for attempt in range(_ATTEMPTS):
            self._addresses = _addresses(brokers, port)
            self.bootstrap_servers: str = ",".join(f"{HOST}:{a.client_port}" for a in self._addresses)
            self._folder = Path(tempfile.mkdtemp(prefix="tracehound-kafka-"))
            try:
                self._start()
                break
            except BrokerError as error:
                self.close()
                if attempt == _ATTEMPTS - 1 or "Address already in use" not in str(error):
                    raise
            except BaseException:
                self.close()
                raise

    def _start(self) -> None:
        for address in self._addresses:
            folder = self._folder / f"broker-{address.node}"
            settings = server_properties(address, self._addresses, folder / "data")
            self._nodes[address.node] = Node(self._java, self._jars, folder, settings)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        with ThreadPoolExecutor(len(self._nodes)) as pool:
            list(pool.map(lambda node: node.format(cluster_id), self._nodes.values()))
        for node in self._nodes.values():
            node.start()
        self.wait_until_serving()

    @property
    def pids(self) -> dict[int, int]:
        """Process ids of the brokers that run."""
        return {
            number: node.pid for number, node in self._nodes.items() if node.running and node.pid is not None
        }

    def log_file(self, broker: int) -> Path:
        """The log of one broker."""
        return self._node(broker).log_file

    def stop_broker(self, broker: int) -> None:
        """End one broker cleanly (its partitions move first); its data stays."""
        self._node(broker).stop(self._timeout_s)

    def kill_broker(self, broker: int) -> None:
        """Kill one broker as a crash would; its data stays."""
        self._node(broker).kill()

    def start_broker(self, broker: int) -> None:
        """Start a broker that was stopped or killed, with its port and data, and wait until it serves."""
        self._node(broker).start()
        self.wait_until_serving()

    def restart_broker(self, broker: int) -> None:
        """Stop one broker cleanly and start it again."""
        self.stop_broker(broker)
        self.start_broker(broker)

    def wait_until_serving(self) -> None:
        """Wait until exactly the brokers that run are members of the cluster.

        Raises:
            BrokerError: a process has ended, or it takes longer than the start timeout; with the log's end.
        """
        running = {number: node for number, node in self._nodes.items() if node.running}
        servers = ",".join(f"{HOST}:{a.client_port}" for a in self._addresses if a.node in running)
        client = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        deadline = time.monotonic() + self._timeout_s
        while _members(client) != running.keys():
            for number, node in running.items():
                if not node.running:
                    raise BrokerError(f"Broker {number} of Apache Kafka ended at start:\n{node.log_tail()}")
            if time.monotonic() > deadline:
                logs = "\n".join(f"broker {number}: {node.log_tail()}" for number, node in running.items())
                raise BrokerError(f"Apache Kafka does not serve after {self._timeout_s:g} s:\n{logs}")
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Stop every broker and remove all data. Closing twice is harmless."""
        for node in self._nodes.values():
            node.terminate()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for node in self._nodes.values():
            node.wait(max(0.0, deadline - time.monotonic()))
        self._nodes.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _node(self, broker: int) -> Node:
        if broker not in self._nodes:
            raise BrokerError(f"There is no broker {broker}; brokers are {sorted(self._nodes)}.")
        return self._nodes[broker]


def why_not() -> str | None:
    """Why Apache Kafka cannot run here (no Java, no jars), or None if it can. May fetch the jars."""
    try:
        find_java()
        broker_jars()
    except BrokerError as error:
        return str(error)
    return None


def describe() -> str:
    """The product and its version."""
    return f"Apache Kafka {kafka_version()}"


def _members(client: AdminClient) -> set[int]:
    try:
        return set(client.list_topics(timeout=_METADATA_TIMEOUT_S).brokers)
    except KafkaException:
        return set()  # not up yet: the caller asks again until its deadline


def _addresses(brokers: int, port: int | None) -> list[Address]:
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
