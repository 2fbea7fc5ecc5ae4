"""A real Apache Kafka cluster in Docker containers, by testcontainers; gone when closed or when we die."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import PurePosixPath
from typing import Any

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
from tracehound.infra.kafka.jars import kafka_version
from tracehound.schemas.errors import BrokerError

IMAGE = "apache/kafka"
_DATA = PurePosixPath("/var/lib/kafka/data")
_CLIENT_PORT = 9092
_ENGINE_TIMEOUT_S = 3
_LOG_TAIL_LINES = 15


def why_no_engine() -> str | None:
    """Why Docker cannot be used (not installed, no engine answers within seconds), or None if it can."""
    try:
        import docker  # type: ignore[import-untyped] # published without types
        import testcontainers.core.container  # noqa: F401 (only whether it is there)
    except ImportError as error:
        return f"testcontainers is not installed ({error}); pip install tracehound[dev]"
    host = os.environ.get("DOCKER_HOST") or docker.ContextAPI.get_current_context().Host
    try:
        _probe(host)
        client = docker.DockerClient(base_url=host, timeout=_ENGINE_TIMEOUT_S)
        with closing(client):
            client.ping()
    except Exception as error:  # noqa: BLE001 (the client raises whatever its transport does)
        return f"no Docker engine answers at {host} ({_first_line(error)})"
    return None


def _probe(host: str) -> None:
    if host.startswith("unix://"):  # the client would leave its socket open when nobody listens
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_ENGINE_TIMEOUT_S)
            probe.connect(host.removeprefix("unix://"))


def container_environment(address: Address, cluster: Sequence[Address], cluster_id: str) -> dict[str, str]:
    """The environment of one container: Kafka's settings as the image takes them.

    Clients outside connect to the published port on 127.0.0.1, containers to each other by name.
    """
    settings = server_properties(address, cluster, _DATA) | {
        "controller.quorum.voters": ",".join(f"{a.node}@{host_name(a)}:9093" for a in cluster),
        "listeners": f"PLAINTEXT://:{_CLIENT_PORT},INTERNAL://:19092,CONTROLLER://:9093",
        "advertised.listeners": (f"PLAINTEXT://{HOST}:{address.client_port},INTERNAL://{host_name(address)}:19092"),
        "inter.broker.listener.name": "INTERNAL",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    variables = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    return variables | {"CLUSTER_ID": cluster_id, "KAFKA_HEAP_OPTS": "-Xmx512m"}


def host_name(address: Address) -> str:
    """The name of a broker's container in the network of its cluster."""
    return f"kafka-{address.node}"


class DockerKafka(ClosedAtExit):
    """An Apache Kafka cluster in containers, serving when the constructor returns. Close it, or use ``with``.

    Parameters and errors as ``ApacheKafka``.
    """

    def __init__(self, brokers: int = 1, port: int | None = None, start_timeout_s: float = START_TIMEOUT_S) -> None:
        reason = why_no_engine()
        if reason is not None:
            raise BrokerError(f"Apache Kafka cannot run in Docker: {reason}.")
        addresses = choose_addresses(brokers, port)
        self.bootstrap_servers: str = ",".join(f"{HOST}:{a.client_port}" for a in addresses)
        self._containers: dict[int, Any] = {}
        self._stack = ExitStack()
        try:
            self._start(addresses)
            wait_for_members(addresses, start_timeout_s, self._ended)
        except BrokerError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise BrokerError(f"Apache Kafka cannot start in Docker: {_first_line(error)}") from error
        except BaseException:
            self.close()
            raise

    def _start(self, addresses: Sequence[Address]) -> None:
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.network import Network

        network = self._stack.enter_context(Network())
        cluster_id = new_cluster_id()
        for address in addresses:
            container = DockerContainer(
                f"{IMAGE}:{kafka_version()}", env=container_environment(address, addresses, cluster_id)
            )
            container.with_network(network).with_network_aliases(host_name(address))
            container.ports[f"{_CLIENT_PORT}/tcp"] = (
                HOST,
                address.client_port,
            )  # on the loopback address only
            self._containers[address.node] = self._stack.enter_context(container)

    def _ended(self) -> str | None:
        for number, container in self._containers.items():
            wrapped = container.get_wrapped_container()
            wrapped.reload()
            if wrapped.status in ("exited", "dead"):
                log = wrapped.logs(tail=_LOG_TAIL_LINES).decode(errors="replace")
                return f"Broker {number} of Apache Kafka ended in its container:\n{log}"
        return None

    def close(self) -> None:
        """Remove the containers, their volumes and their network. Closing twice is harmless."""
        self._stack.close()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
