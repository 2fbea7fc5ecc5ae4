"""Free ports on the loopback address, away from those the system gives to outgoing connections."""

import random
import socket

# Below Linux' and macOS' ephemeral ranges: a client that keeps trying the closed port of a stopped broker
# inside such a range can end up connected to itself, and the broker could not take its port again.
_LOWEST, _HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether nothing listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """``count`` different ports, free a moment ago; at random, so that concurrent runs rarely meet."""
    candidates = random.sample(range(_LOWEST, _HIGHEST), 50 * count)
    ports = [port for port in candidates if is_free(port)][:count]
    if len(ports) < count:
        raise OSError(f"no {count} free ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1")
    return ports


def local_port(servers: str) -> int | None:
    """The port of the first of Kafka's bootstrap servers if it is on this machine's loopback address, else None.

    >>> local_port("localhost:9092,localhost:9093"), local_port("kafka.example:9092"), local_port("localhost")
    (9092, None, None)
    """
    host, _, port = servers.split(",")[0].strip().rpartition(":")
    return int(port) if host in ("localhost", "127.0.0.1") and port.isdigit() and 0 < int(port) < 65_536 else None
