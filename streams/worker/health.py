"""Metrics and health over HTTP: /metrics, /livez, /readyz."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import structlog
from aiohttp import web
from mode import Service
from prometheus_client import CollectorRegistry

from tracehound.schemas.errors import ConfigurationError, TracehoundError
from tracehound.streams.worker.exposition import exposition
from tracehound.streams.worker.process_metrics import HealthCollector
from tracehound.streams.worker.short_connections import ShortConnections, answer_once

_WATCH_INTERVAL_S = 1.0
MOST_CONNECTIONS, LONGEST_CONNECTION_S = 64, 10.0

log = structlog.get_logger(__name__)


class StalledError(TracehoundError):
    """A worker makes no progress although records wait; the message says for how long."""


class Vitals(Protocol):
    """What health is judged by."""

    def partitions(self) -> list[int] | None:
        """The partitions assigned and read from; None before the first assignment and during rebalances."""
        ...

    def waiting(self) -> int:
        """Records that wait to be scored."""
        ...

    def last_progress(self) -> float:
        """When a run was last acknowledged, as ``time.monotonic()``."""
        ...

    def unheard_s(self) -> float:
        """For how long the broker has been silent about a partition of which nothing is left to do, at most."""
        ...


class Liveness:
    """Alive unless there was no progress for ``timeout_s`` although records wait, or nothing was being read at all.

    >>> liveness = Liveness(timeout_s=60.0)
    >>> liveness.observe(now=0.0, waiting=0, reading=True, last_progress=0.0)
    >>> liveness.observe(now=100.0, waiting=5, reading=True, last_progress=0.0)
    >>> liveness.stalled_s(now=130.0), liveness.alive(now=130.0)
    (30.0, True)
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._waiting_since: float | None = None

    def observe(self, now: float, waiting: int, reading: bool, last_progress: float) -> None:
        """Look at the worker; call this every second or so.

        ``reading`` is False while it waits for partitions: how many records wait in them is not known then.
        """
        if reading and not waiting:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        else:
            self._waiting_since = max(self._waiting_since, last_progress)

    def stalled_s(self, now: float) -> float:
        """For how long records have waited without progress, in seconds."""
        return 0.0 if self._waiting_since is None else max(0.0, now - self._waiting_since)

    def alive(self, now: float) -> bool:
        """Whether the worker should be left running."""
        return self.stalled_s(now) < self._timeout_s


class HealthServer(Service):
    """Serves metrics and health, and tells when the worker makes no progress although records wait.

    ``port`` is the port in use once it has started. ``faults`` says in sentences what a worker that goes on cannot do.
    """

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(
        self,
        registry: CollectorRegistry,
        vitals: Vitals,
        host: str,
        port: int,
        stall_timeout_s: float,
        stalled: Callable[[StalledError], None] = lambda _: None,
        faults: Callable[[], Sequence[str]] = tuple,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._stall_timeout_s = stall_timeout_s
        self._stalled = stalled
        self._faults = faults
        self.port = port
        self._host = host
        self._registry = registry
        self._vitals = vitals
        self._liveness = Liveness(stall_timeout_s)
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._preparing = False
        registry.register(HealthCollector(self._stalled_s, lambda: self._ready(vitals.partitions(), self._faults())))

    async def on_start(self) -> None:
        """Begin to listen.

        Raises:
            ConfigurationError: host or port cannot be used.
        """
        application = web.Application()
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/livez", self._livez)
        application.router.add_get("/readyz", self._readyz)
        application.on_response_prepare.append(answer_once)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        assert runner.server is not None
        protocols = ShortConnections(runner.server, MOST_CONNECTIONS, LONGEST_CONNECTION_S)
        try:
            self._listening = await asyncio.get_running_loop().create_server(protocols, self._host, self.port)
        except OSError as error:
            await runner.cleanup()
            raise ConfigurationError(
                f"The settings 'http_host' and 'http_port' must be an address that is free. "
                f"Got {self._host}:{self.port} instead: {error.strerror or error}."
            ) from error
        self._runner = runner
        self.add_future(self._watch())
        self.port = self._listening.sockets[0].getsockname()[1]
        log.info("health_listening", url=f"http://{self._host}:{self.port}", paths=["/metrics", "/livez", "/readyz"])

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """For as long as it takes, a worker that prepares itself is alive, and not ready."""
        self._preparing = True
        try:
            yield
        finally:
            self._preparing = False

    async def _watch(self) -> None:
        while not self.should_stop:
            self._observe()
            if not self._alive():
                self._stalled(StalledError(self._why()))
                return
            await asyncio.sleep(_WATCH_INTERVAL_S)

    def _observe(self) -> None:
        if self._preparing:
            return
        vitals = self._vitals
        reading = vitals.partitions() is not None
        self._liveness.observe(time.monotonic(), vitals.waiting(), reading, vitals.last_progress())

    def _alive(self) -> bool:
        return self._liveness.alive(time.monotonic()) and self._vitals.unheard_s() < self._stall_timeout_s

    def _why(self) -> str:
        limit = f"{self._stall_timeout_s:g} s (setting 'stall_timeout_s')"
        if self._vitals.unheard_s() >= self._stall_timeout_s:
            return f"The broker has not answered for a partition of this worker for {limit}, or was not asked."
        if self._vitals.partitions() is None:
            return f"The consumer group has given this worker nothing to read for {limit}."
        return f"{self._vitals.waiting()} records have waited for {limit} without any progress."

    async def _metrics(self, request: web.Request) -> web.Response:
        body, media_type = exposition(self._registry, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": media_type})

    async def _livez(self, _request: web.Request) -> web.Response:
        self._observe()
        return _answer(self._alive(), stalled_s=round(self._stalled_s(), 1))

    async def _readyz(self, _request: web.Request) -> web.Response:
        partitions, faults = self._vitals.partitions(), list(self._faults())
        more = ({"preparing": True} if self._preparing else {}) | ({"faults": faults} if faults else {})
        return _answer(self._ready(partitions, faults), partitions=partitions, **more)

    def _stalled_s(self) -> float:
        return max(self._liveness.stalled_s(time.monotonic()), self._vitals.unheard_s())

    @staticmethod
    def _ready(partitions: list[int] | None, faults: Sequence[str]) -> bool:
        return partitions is not None and not faults


def _answer(healthy: bool, **details: object) -> web.Response:
    return web.json_response({"ok": healthy, **details}, status=200 if healthy else 503)
