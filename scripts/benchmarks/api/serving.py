"""Serves a store to the benchmark: the console's app and server, without a reader and without Kafka. A program."""

import asyncio
import sys
import time
from collections.abc import Sequence

import anyio.to_thread

from tracehound.console.app import build_console
from tracehound.console.keys.queries import add_key
from tracehound.console.store.engine import Store
from tracehound.streams.http.keys import new_key
from tracehound.streams.http.sending import Record
from tracehound.streams.http.server import Place, Server
from tracehound.streams.settings.settings import load_settings

_THREADS = 8


class Nobody:
    """Sends nothing."""

    async def send(self, records: Sequence[Record]) -> None:
        """Nothing of what is measured does."""
        raise NotImplementedError


async def main(url: str, port: int) -> None:
    """Print a key, then serve until told to end."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    store = Store(url)
    key = new_key()
    with store.write() as connection:
        add_key(connection, key, "viewer", "benchmark", "benchmark", time.time_ns() // 1_000, None)
    app = build_console(load_settings(), store, Nobody())
    print(key.key, flush=True)
    await Server(app, Place("console", "127.0.0.1", port, 30.0, 100, 16_384, 1.0)).until_stopped()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
