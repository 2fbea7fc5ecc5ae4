"""Runs one worker process from start to end, and says with its exit status how it went."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable

import structlog

from tracehound.infra.kafka.topics import check_topics, topic_id
from tracehound.schemas.errors import ConfigurationError, TracehoundError
from tracehound.streams.kafka.connection import wait_for_broker
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.logging import configure_logging
from tracehound.streams.worker.worker_app import WorkerApp

EXIT_CLEAN = 0
EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2
_STOP_SLACK_S = 20.0
# A run decodes to some 20,000 objects that live for milliseconds; with the default of 700 the collector walks
# them again and again (measured: 72,000 executions/s, 111,000 with these thresholds and a frozen start).
_GC_THRESHOLDS = (100_000, 20, 50)

log = structlog.get_logger(__name__)


Build = Callable[[Settings], WorkerApp]
Prepare = Callable[[asyncio.Event], Awaitable[bool]]
"""Work before a worker joins its group; is given what a signal sets, and returns False where it ended for that."""


def run_worker(settings: Settings, build: Build | None = None, prepare: Prepare | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT, or until it fails.

    ``build`` assembles it; without one it is a scoring worker. ``prepare`` is awaited before anything else, while
    metrics and health answer already. Waits for an unreachable broker. A second signal ends the worker without
    finishing its work.

    Returns:
        The exit status for the process: 0 after a signal, 1 after a fatal error, 2 if a setting is wrong.
    """
    configure_logging(settings)
    try:
        return asyncio.run(_run(settings, build or _build_scoring, prepare))
    except ConfigurationError as error:
        log.critical("configuration_error", sentence=str(error))
        return EXIT_MISCONFIGURED
    except TracehoundError as error:
        log.critical("worker_failed", sentence=str(error))
        return EXIT_FAILED


async def _run(settings: Settings, build: Build, prepare: Prepare | None) -> int:
    app = build(settings)
    stop = stop_on_signals()
    try:
        await app.health.start()
        if prepare is not None:
            with app.health.preparing():
                if not await prepare(stop):
                    return EXIT_CLEAN
        if not await wait_for_broker(settings, stop):
            return EXIT_CLEAN
        problems = await asyncio.to_thread(check_topics, librdkafka_options(settings), app.topics_needed)
        if problems:
            raise ConfigurationError("\n".join(problems))
        if app.folder is not None and settings.state_dir is not None:  # (the embedded broker is slow to know no id)
            app.folder.topic_id = await asyncio.to_thread(topic_id, librdkafka_options(settings), app.folder_topic)
        log.info("worker_starting", group=app.conf.id, brokers=settings.bootstrap_servers)
        return await _serve(app, stop, settings.finish_timeout_s + _STOP_SLACK_S)
    finally:
        await app.health.stop()
        app.close()


async def _serve(app: WorkerApp, stop: asyncio.Event, stop_timeout_s: float) -> int:
    ended = asyncio.create_task(_until_ended(app))
    signalled = asyncio.create_task(stop.wait())
    await asyncio.wait([ended, signalled], return_when=asyncio.FIRST_COMPLETED)
    log.info("worker_stopping", because="a signal" if stop.is_set() else "a fatal error")
    ended.cancel()
    signalled.cancel()
    await asyncio.wait([ended])
    failure = None if ended.cancelled() else ended.exception()
    try:
        await asyncio.wait_for(app.stop(), stop_timeout_s)
    except TimeoutError:
        log.error("worker_did_not_stop", sentence=f"The worker did not stop within {stop_timeout_s:g} s.")
        return EXIT_FAILED
    failure = failure or app.crash_reason
    if failure is not None:
        log.critical("worker_failed", sentence=f"A fatal error ended the worker: {failure!r}.")
        return EXIT_FAILED
    log.info("worker_stopped")
    return EXIT_CLEAN


async def _until_ended(app: WorkerApp) -> None:
    gc.set_threshold(*_GC_THRESHOLDS)
    await app.start()
    gc.freeze()
    log.info("worker_ready")
    await app.wait_until_stopped()


def stop_on_signals() -> asyncio.Event:
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


def _build_scoring(settings: Settings) -> WorkerApp:
    from tracehound.streams.scoring.app import (
        build_app,  # loads the learning libraries: 3 s that other workers need not take
    )

    return build_app(settings)
