"""The demo's console: a database and a key of its own, and a log event to look for."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka import Producer

from tracehound.console.keys.ring import first_key
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.ports import free_ports, usual_or_free_port
from tracehound.schemas.codec import encode
from tracehound.schemas.log_event import LogEvent
from tracehound.scripts.commands.worker_process import WorkerProcess
from tracehound.scripts.kafka.clients import producer_config
from tracehound.streams.settings.settings import Settings

MESSAGE = "CPU spike detected"
LOG_EVENTS = 1
"""How many log events are sent: each is scored as an execution."""
_FLUSH_S = 30.0


def console_groups(settings: Settings) -> dict[str, str]:
    """The consumer groups of the demo's console and intake, by the variables that set them."""
    return {
        "TRACEHOUND_CONSOLE__GROUP_ID": f"{settings.group_id}-console",
        "TRACEHOUND_KEPT_EXECUTIONS__GROUP_ID": f"{settings.group_id}-executions",
        "TRACEHOUND_INTAKE__GROUP_ID": f"{settings.group_id}-intake",
    }


def started_console(
    stack: ExitStack, folder: Path, environment: Mapping[str, str], settings: Settings
) -> tuple[tuple[WorkerProcess, ...], str]:
    """Start a console on all of it, and intake for log events, of which one is sent; and how to ask it, in words.

    Its database is gone with the demo. It listens where a console always does, if nobody else does.
    """
    url = f"sqlite:///{folder}/console.db"
    key, usual = make_key(url), settings.console.port
    given = {**environment, "TRACEHOUND_CONSOLE__DATABASE_URL": url}
    intake = stack.enter_context(WorkerProcess(folder, given, free_ports(1)[0], "intake"))
    port = usual_or_free_port(usual) or free_ports(1)[0]
    console = stack.enter_context(WorkerProcess(folder, given, port, "console"))
    send_log_event(settings)
    words = f"The console answers at {console.address}/api/v1 (README.md has calls) with the key\n  KEY={key}"
    return (intake, console), words


def make_key(url: str) -> str:
    """Make the tables and the console's first key, an admin's."""
    store = Store(url)
    try:
        store.migrate()
        made = first_key(store, time.time_ns() // 1_000)
    finally:
        store.close()
    assert made is not None  # the database is new
    return made.key


def send_log_event(settings: Settings) -> None:
    """Say something of this machine, as anybody would: a warning."""
    event = LogEvent(MESSAGE, "warning", settings.intake.log_application, timestamp=time.time())
    producer = Producer(producer_config(settings))
    producer.produce(settings.topics.log_events.name, encode(event), event.application.encode())
    producer.flush(_FLUSH_S)
