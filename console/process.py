"""The console as a process: makes the tables, reads the topics into them, and serves what is there."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, start_http_server

from tracehound.console.executions.app import build_follower
from tracehound.console.executions.follow import Follower
from tracehound.console.exemplars.keeping import ExemplarKeeper
from tracehound.console.store.engine import Store, StoreError
from tracehound.console.store.reader.build import build_reader
from tracehound.console.store.reader.reader import Reader
from tracehound.streams.kafka.bounded_batches import BATCHES_REFUSED
from tracehound.streams.kafka.permissions import check_permissions
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.process_metrics import HealthCollector, tell_of_process

_RETRY_S = 3.0
_LOOK_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a server is given: the database, who fills it, its metrics.

    ``follower`` keeps executions; None where another process does.
    """

    settings: Settings
    store: Store
    reader: Reader
    registry: CollectorRegistry
    follower: Follower | None = None

    def trouble(self) -> str:
        """Why nothing is stored now, in a sentence: what readiness says; empty where all is well."""
        return self.reader.trouble() or ("" if self.follower is None else self.follower.trouble())


Serve = Callable[[Parts], int]
"""Serves until the process is told to end (it handles SIGTERM and SIGINT itself); returns the exit status."""


def run_console(settings: Settings, serve: Serve) -> int:
    """Run it until the process is told to end; returns the exit status.

    Raises:
        ConfigurationError: the database or Kafka's client cannot be set up as the settings say, or this user lacks a
            permission on Kafka.
    """
    check_permissions(settings, "console")
    registry = CollectorRegistry()
    tell_of_process(registry)
    registry.register(BATCHES_REFUSED)
    store = Store(settings.console.database_url.get_secret_value())
    try:
        wait_for_tables(store)
        reader = build_reader(settings, store, registry)
        follower = build_execution_follower(settings, store, registry) if settings.kept_executions.in_console else None
        reader.start()
        if follower is not None:
            follower.start()
        log.info("console_started", database=store.name, group=settings.console.group_id)
        parts = Parts(settings, store, reader, registry, follower)
        registry.register(HealthCollector(reader.stalled_s, lambda: not parts.trouble()))
        try:
            return serve(parts)
        finally:
            if follower is not None:
                follower.stop()
            reader.stop()
    finally:
        store.close()


def keep_executions(settings: Settings) -> int:
    """Keep executions and nothing else until the process is told to end; returns the exit status.

    Metrics are served at the settings ``http_host`` and ``http_port``. Several of these processes share partitions.

    Raises:
        ConfigurationError: the database or Kafka's client cannot be set up as the settings say, or this user lacks a
            permission on Kafka.
    """
    check_permissions(settings, "executions")
    registry = CollectorRegistry()
    tell_of_process(registry)
    registry.register(BATCHES_REFUSED)
    store = Store(settings.console.database_url.get_secret_value())
    try:
        wait_for_tables(store)
        follower = build_execution_follower(settings, store, registry)
        server, _ = start_http_server(settings.http_port, settings.http_host, registry)
        registry.register(HealthCollector(lambda: 0.0, lambda: not follower.trouble()))
        follower.start()
        ended = _told_to_end()
        log.info("keeping_executions", database=store.name, group=settings.kept_executions.group_id)
        try:
            return _wait(ended, follower.is_alive)
        finally:
            follower.stop()
            server.shutdown()
            server.server_close()
    finally:
        store.close()


def build_execution_follower(settings: Settings, store: Store, registry: CollectorRegistry) -> Follower:
    """What keeps executions, and those that anomalies name as a whole; not started yet."""
    private = frozenset(settings.detection.private_attributes)
    exemplars = ExemplarKeeper(store, private, settings.kept_executions.exemplars_mb * 1_000_000)
    return build_follower(settings, store, exemplars, registry)


def wait_for_tables(store: Store, pause: Callable[[float], None] = time.sleep) -> None:
    """Make the tables; tries again while the database is away.

    Raises:
        ConfigurationError: see ``Store.migrate``.
    """
    while True:
        try:
            store.migrate()
            return
        except StoreError as error:
            log.warning("database_away", sentence=f"{error} Trying again in {_RETRY_S:g} s.")
        pause(_RETRY_S)


def serve_nothing(_parts: Parts) -> int:
    """Read only, until SIGTERM or SIGINT."""
    return _wait(_told_to_end(), lambda: True)


def _told_to_end() -> threading.Event:
    """Set by SIGTERM and SIGINT, from now on."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    return ended


def _wait(ended: threading.Event, goes_on: Callable[[], bool]) -> int:
    """Wait until it is told to end (0), or no longer goes on (1)."""
    while not ended.wait(_LOOK_S):
        if not goes_on():
            return 1
    return 0
