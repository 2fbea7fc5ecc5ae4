"""Runs one worker process from start to end, and says with its exit status how it went."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from tracehound.infra.kafka.topics import check_topics
from tracehound.schemas.errors import ConfigurationError, TracehoundError
from tracehound.schemas.topics import Topic
from tracehound.streams.kafka.connection import may_use_group, wait_for_broker
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.kafka.permissions import lacking_sentences
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.failure import Failure
from tracehound.streams.worker.health import HealthServer
from tracehound.streams.worker.logging import configure_logging
from tracehound.streams.worker.loop_watch import loop_watch
from tracehound.streams.worker.process import (
    EXIT_CLEAN,
    EXIT_FAILED,
    EXIT_MISCONFIGURED,
    collect_seldom,
    keep_freed_memory,
    keep_what_is_there,
)

_STOP_SLACK_S = 20.0
_GRANT = "grant access by: tracehound acls"

log = structlog.get_logger(__name__)


Prepare = Callable[[asyncio.Event], Awaitable[bool]]
"""Work before a worker joins its group; is given what a signal sets, and returns False where it ended for that."""


class App(Protocol):
    """What does a worker's work between start and stop, as ``mode.Service`` does."""

    crash_reason: BaseException | None

    async def start(self) -> None:
        """Begin; return once it is under way."""
        ...

    async def wait_until_stopped(self) -> None:
        """Return once it was stopped or has crashed."""
        ...

    async def crash(self, reason: BaseException) -> None:
        """It cannot go on."""
        ...

    async def stop(self) -> None:
        """Finish what is under way and end; harmless where it never started."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is put together and has not been started.

    Parameters:
        role: what it is to Kafka's access control (``streams.settings.roles``).
        group: the consumer group that it is a member of.
        app: does the work.
        health: serves metrics and health from the beginning to the end, before the broker is there, too.
        failure: told by its parts of an error that ends it.
        topics: must exist before the app starts.
        closing: what is let go of, in reverse order, when it has stopped or could not start.
    """

    role: str
    group: str
    app: App
    health: HealthServer
    failure: Failure
    topics: Sequence[Topic]
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)


def run_worker(settings: Settings, build: Callable[[Settings], Worker], prepare: Prepare | None = None) -> int:
    """Run the worker that ``build`` puts together until SIGTERM or SIGINT, or until it fails.

    ``prepare`` is awaited before anything else, while metrics and health answer already. Waits for an unreachable
    broker. A second signal ends the worker without finishing its work.

    Returns:
        The exit status for the process: 0 after a signal, 1 after a fatal error, 2 if a setting is wrong.
    """
    configure_logging(settings)
    try:
        return asyncio.run(_run(settings, build, prepare))
    except ConfigurationError as error:
        log.critical("configuration_error", sentence=str(error))
        return EXIT_MISCONFIGURED
    except TracehoundError as error:
        log.critical("worker_failed", sentence=str(error))
        return EXIT_FAILED


async def _run(settings: Settings, build: Callable[[Settings], Worker], prepare: Prepare | None) -> int:
    worker = build(settings)
    stop = _stop_on_signals()
    async with loop_watch(settings.stall_timeout_s), worker.closing:
        try:
            await worker.health.start()
            if prepare is not None:
                with worker.health.preparing():
                    if not await prepare(stop):
                        return EXIT_CLEAN
            if not await wait_for_broker(settings, stop):
                return EXIT_CLEAN
            problems = await asyncio.to_thread(lacking_sentences, settings, worker.role)
            if not problems:
                problems = await asyncio.to_thread(check_topics, librdkafka_options(settings), worker.topics)
            if not problems and not await may_use_group(settings, worker.group):
                problems = [f"This user may not use the consumer group {worker.group!r}; {_GRANT}"]
            if problems:
                raise ConfigurationError("\n".join(problems))
            log.info("worker_starting", group=worker.group, brokers=settings.bootstrap_servers)
            collect_seldom()
            keep_freed_memory()
            keep_what_is_there()  # (before there are partitions to read: it stops everything)
            return await serve(worker, stop, settings.finish_timeout_s + _STOP_SLACK_S)
        finally:
            await worker.health.stop()


async def serve(worker: Worker, stop: asyncio.Event, stop_timeout_s: float) -> int:
    """Let a worker do its work until ``stop`` is set or it fails, then end it, in so many seconds at the most.

    Returns:
        The exit status for the process.
    """
    app = worker.app
    ended = asyncio.create_task(_until_ended(app))
    signalled = asyncio.create_task(stop.wait())
    failed = asyncio.create_task(worker.failure.told())
    await asyncio.wait([ended, signalled, failed], return_when=asyncio.FIRST_COMPLETED)
    if worker.failure.reason is not None:
        await app.crash(worker.failure.reason)
    log.info("worker_stopping", because="a signal" if stop.is_set() else "a fatal error")
    for waiting in (ended, signalled, failed):
        waiting.cancel()
    await asyncio.wait([ended])
    failure = None if ended.cancelled() else ended.exception()
    try:
        await asyncio.wait_for(app.stop(), stop_timeout_s)
    except TimeoutError:
        log.error("worker_did_not_stop", sentence=f"The worker did not stop within {stop_timeout_s:g} s.")
        return EXIT_FAILED
    failure = worker.failure.reason or failure or app.crash_reason
    if failure is not None:
        log.critical("worker_failed", sentence=f"A fatal error ended the worker: {failure!r}.")
        return EXIT_FAILED
    log.info("worker_stopped")
    return EXIT_CLEAN


async def _until_ended(app: App) -> None:
    await app.start()
    log.info("worker_ready")
    await app.wait_until_stopped()


def _stop_on_signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first)
    return stop
