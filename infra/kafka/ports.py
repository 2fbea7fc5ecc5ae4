"""Free ports on the loopback address, away from those the system gives to outgoing connections."""

import os
import random
import socket
import sys
from collections import deque
from typing import Final

# Below Linux' and macOS' ephemeral ranges: a client that keeps trying the closed port of a stopped broker
# inside such a range can end up connected to itself, and the broker could not take its port again.
_LOWEST, _HIGHEST = 20_000, 32_000
_MOST_HELD: Final = 200
"""Ports that a process keeps reserved; the server of one that is older listens by then, or never will."""
_held: Final = deque[int]()


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
    """``count`` different ports of 127.0.0.1 for servers that this process starts, or starts the starting of.

    On Linux they stay reserved for as long as this process lives: nobody else is given them here, however much later a
    server takes them. The server must set ``SO_REUSEADDR``, as asyncio, gRPC, Java, Go, Node.js and PostgreSQL do.

    Raises:
        OSError: there are not as many.
    """
    ports: list[int] = []
    for port in random.sample(range(_LOWEST, _HIGHEST), 50 * count):
        if len(ports) == count:
            break
        if _is_reserved_now(port):
            ports.append(port)
    if len(ports) < count:
        raise OSError(f"no {count} free ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1")
    return ports


def usual_or_free_port(usual: int) -> int:
    """The usual port of a server, or a free one where somebody listens on that; 0 (any, or none) stays."""
    return usual if not usual or is_free(usual) else free_ports(1)[0]


def _is_reserved_now(port: int) -> bool:
    """Bind the port, which fails where anybody has bound it, and keep it bound, but not listened on.

    Linux lets a socket with ``SO_REUSEADDR`` listen where others with that option are bound only. Elsewhere the port is
    given back at once: two processes may be given the same one, and rarely are.
    """
    holder = socket.socket()
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()
        return False
    if sys.platform == "linux":
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder.detach())  # for good: a socket would be told of as one that nobody closed
        if len(_held) > _MOST_HELD:
            os.close(_held.popleft())
    else:
        holder.close()
    return True


def local_port(servers: str) -> int | None:
    """The port of the first of Kafka's bootstrap servers if it is on this machine's loopback address, else None.

    >>> local_port("localhost:9092,localhost:9093"), local_port("kafka.example:9092"), local_port("localhost")
    (9092, None, None)
    """
    host, _, port = servers.split(",")[0].strip().rpartition(":")
    return int(port) if host in ("localhost", "127.0.0.1") and port.isdigit() and 0 < int(port) < 65_536 else None
