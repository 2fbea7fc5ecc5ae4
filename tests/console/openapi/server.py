"""A console to be tried from outside: ``python -m tests.console.openapi.server URL``; prints its port and a key."""

import asyncio
import sys
import time

from tests.console.asking import FakePredictions, FakeRecordings, FakeSender
from tests.console.store.reader.told import (
    anomaly,
    call,
    call_graph,
    incident,
    model_event,
    own_settings,
    progress,
    scored_log,
    tuning_task,
)
from tests.console.telling import tell
from tracehound.console.app import build_console
from tracehound.console.keys.ring import first_key
from tracehound.console.store.engine import Store
from tracehound.streams.http.server import Place, Server
from tracehound.streams.settings.console import ConsoleSettings
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.logging import configure_logging


class TellingServer(Server):
    """Prints where it listens."""

    async def startup(self, sockets: object = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        print(self.url, flush=True)


def fill(store: Store) -> None:
    """Some of everything."""
    tell(store, "anomalies", *(anomaly(number) for number in range(5)))
    tell(store, "severity", incident("one", 0, "opened"), incident("one", 1, "resolved"))
    tell(store, "models", model_event(1))
    tell(store, "progress", progress(0, 5))
    tell(store, "call_graph", call_graph("1", call(3)))
    tell(store, "scored_logs", scored_log(1))
    tell(store, "settings", own_settings(1, least_sigma=5.0))
    tell(store, "tuning_tasks", tuning_task(0), tuning_task(1))


def main() -> None:
    """Serve until a signal comes."""
    store = Store(sys.argv[1])
    store.migrate()
    fill(store)
    configure_logging(Settings())
    first = first_key(store, time.time_ns() // 1_000)
    assert first is not None
    print(first.key, flush=True)
    settings = Settings(console=ConsoleSettings(requests_per_minute=0, refused_per_minute=1_000_000))
    app = build_console(settings, store, FakeSender(), predictions=FakePredictions(), recordings=FakeRecordings())
    place = Place("console", "127.0.0.1", 0, 30.0, 100, 16_384, 0.0)
    asyncio.run(TellingServer(app, place).until_stopped())


if __name__ == "__main__":
    main()
