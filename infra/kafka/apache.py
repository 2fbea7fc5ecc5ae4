"""A real Apache Kafka cluster from the JVM: KRaft, one or several brokers on 127.0.0.1, gone when closed."""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tracehound.infra.kafka.closing import ClosedAtExit
from tracehound.infra.kafka.cluster import (
    HOST,
    START_TIMEOUT_S,
    Address,
    choose_addresses,
    new_cluster_id,
    server_properties,
    wait_for_members,
)
from tracehound.infra.kafka.jars import broker_jars, find_java
from tracehound.infra.kafka.node import Node
from tracehound.schemas.errors import BrokerError

_STOP_TIMEOUT_S = 10.0
_ATTEMPTS = 3  # a port that was free may be taken by the time the broker wants it


class ApacheKafka(ClosedAtExit):
    """An Apache Kafka cluster, serving when the constructor returns. Close it, or use it in a ``with``.

    Each broker is a controller too, in a process of its own; all data is temporary. Brokers are numbered
    from 1. The processes end with ``close`` and when this process dies in any way, kill -9 included.

    Parameters:
        brokers: how many, 1 to 9. From 3 on, topics have three replicas and ``min.insync.replicas`` is 2.
        port: the first broker's port, the next ones follow; any free ports without it.
        start_timeout_s: how long the cluster may take to serve.
        more: properties of each broker beside ours, or instead of them; ``{own}`` in a value is what we would set.

    Raises:
        BrokerError: Java, Maven or the jars are missing, or the cluster does not serve in time; says why.
    """

    def __init__(
        self,
        brokers: int = 1,
        port: int | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self._more = dict(more or {})
        addresses = choose_addresses(brokers, port)  # wrong parameters are said before anything is fetched
        self._java, self._jars = find_java(), broker_jars()
        self._timeout_s = start_timeout_s
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._start(addresses)
                break
            except BrokerError as error:
                self.close()
                if attempt == _ATTEMPTS or "Address already in use" not in str(error):
                    raise
                addresses = choose_addresses(brokers, port)
            except BaseException:
                self.close()
                raise

    def _start(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._nodes: dict[int, Node] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="tracehound-kafka-"))
        for address in addresses:
            folder = self._folder / f"broker-{address.node}"
            ours = server_properties(address, addresses, folder / "data")
            more = {name: value.replace("{own}", ours.get(name, "")) for name, value in self._more.items()}
            settings = {**ours, **more}
            self._nodes[address.node] = Node(self._java, self._jars, folder, settings)
        cluster_id = new_cluster_id()
        with ThreadPoolExecutor(len(self._nodes)) as pool:
            list(pool.map(lambda node: node.format(cluster_id), self._nodes.values()))
        for node in self._nodes.values():
            node.start()
        self.wait_until_serving()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers, running or not."""
        return ",".join(f"{HOST}:{address.client_port}" for address in self._addresses)

    @property
    def folder(self) -> Path:
        """Where the cluster keeps its data and logs until it is closed."""
        return self._folder

    @property
    def pids(self) -> dict[int, int]:
        """Process ids of the brokers that run."""
        return {number: node.pid for number, node in self._nodes.items() if node.pid is not None and node.running}

    def log_file(self, broker: int) -> Path:
        """The log of one broker."""
        return self._node(broker).log_file

    def stop_broker(self, broker: int) -> None:
        """End one broker cleanly (its partitions move first); its data stays."""
        self._node(broker).stop(self._timeout_s)

    def kill_broker(self, broker: int) -> None:
        """Kill one broker as a crash would; its data stays."""
        self._node(broker).kill()

    def start_broker(self, *brokers: int) -> None:
        """Start brokers that were stopped or killed, with their ports and data, and wait until they serve.

        Where most are away they must be started together, since less than half of them cannot serve.
        """
        for broker in brokers:
            self._node(broker).start()
        self.wait_until_serving()

    def restart_broker(self, broker: int) -> None:
        """Stop one broker cleanly and start it again."""
        self.stop_broker(broker)
        self.start_broker(broker)

    def wait_until_serving(self) -> None:
        """Wait until each broker that runs answers, and knows exactly the running ones as members.

        Raises:
            BrokerError: a process has ended (with the end of its log), or the start timeout is over.
        """
        running = {number: node for number, node in self._nodes.items() if node.running}

        def ended() -> str | None:
            for number, node in running.items():
                if not node.running:
                    return f"Broker {number} of Apache Kafka ended at start:\n{node.log_tail()}"
            return None

        wait_for_members([a for a in self._addresses if a.node in running], self._timeout_s, ended)

    def close(self) -> None:
        """Stop every broker and remove all data. Closing twice is harmless."""
        for node in self._nodes.values():
            node.terminate()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for node in self._nodes.values():
            node.wait(max(0.0, deadline - time.monotonic()))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _node(self, broker: int) -> Node:
        if broker not in self._nodes:
            raise BrokerError(f"There is no broker {broker}; brokers are {sorted(self._nodes)}.")
        return self._nodes[broker]
