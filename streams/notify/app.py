"""The one place where the notifier is put together, and where it runs from start to end."""

import asyncio
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from tracehound.infra.kafka.topics import check_topics
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.errors import ConfigurationError, TracehoundError
from tracehound.streams.kafka.connection import client_options, wait_for_broker
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.kafka.publisher import KafkaPublisher, Outgoing
from tracehound.streams.notify.delivery_queue import DeliveryQueue
from tracehound.streams.notify.metrics import NotifyMetrics, WaitingCollector
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.notifier import Notifier
from tracehound.streams.notify.outcome import Receiver
from tracehound.streams.notify.partition import undelivered
from tracehound.streams.notify.receivers.alertmanager import AlertmanagerReceiver
from tracehound.streams.notify.receivers.apprise_url import AppriseReceiver
from tracehound.streams.notify.receivers.pagerduty import PagerDutyReceiver
from tracehound.streams.notify.receivers.webhook import WebhookReceiver, read_secrets
from tracehound.streams.notify.routing import Routes
from tracehound.streams.notify.secrets import read_secret
from tracehound.streams.settings.notify import Alertmanager, AnyReceiver, PagerDuty, Webhook
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.health import HealthServer
from tracehound.streams.worker.logging import configure_logging
from tracehound.streams.worker.worker import EXIT_CLEAN, EXIT_FAILED, EXIT_MISCONFIGURED, stop_on_signals

_HEARTBEATS_PER_SESSION = 6
_STOP_SLACK_S = 20.0
_CLOSE_TIMEOUT_S = 10.0

log = structlog.get_logger(__name__)


class NotStoppedError(TracehoundError):
    """The notifier did not end in time after a signal; what was under way is told again."""


@dataclass(slots=True)
class NotifyApp:
    """The parts of a running notifier."""

    notifier: Notifier
    consumer: AIOKafkaConsumer
    publisher: KafkaPublisher
    queues: Mapping[str, DeliveryQueue]
    topic: str


def run_notify(settings: Settings) -> int:
    """Send notifications until SIGTERM or SIGINT, or until it fails.

    Returns:
        The exit status for the process: 0 after a signal, 1 after a fatal error, 2 if a setting is wrong.
    """
    configure_logging(settings)
    try:
        return asyncio.run(_run(settings))
    except ConfigurationError as error:
        log.critical("configuration_error", sentence=str(error))
        return EXIT_MISCONFIGURED
    except (TracehoundError, KafkaError) as error:
        log.critical("notifier_failed", sentence=f"A fatal error ended the notifier: {error}")
        return EXIT_FAILED


def build_receiver(
    name: str, settings: AnyReceiver, secret: str, threads: int, clock: Callable[[], float] = time.time
) -> Receiver:
    """A receiver of any kind, from its settings and its secret.

    Raises:
        ConfigurationError: the secret is none of this kind, or a file of certificates cannot be read.
    """
    if isinstance(settings, Alertmanager):
        return AlertmanagerReceiver(name, settings, secret, clock)
    if isinstance(settings, PagerDuty):
        return PagerDutyReceiver(settings, secret)
    if isinstance(settings, Webhook):
        return WebhookReceiver(settings, read_secrets(secret, name), clock)
    return AppriseReceiver(name, settings, secret, threads)


def build_notifier(
    settings: Settings,
    metrics: NotifyMetrics,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
) -> NotifyApp:
    """Assemble the notifier; needs a running event loop.

    Raises:
        ConfigurationError: a setting or a secret is wrong or missing.
    """
    notify, topics = settings.notify, settings.topics
    if not notify.receivers:
        raise ConfigurationError(
            "The setting 'notify.receivers' must name at least one receiver, in the file that TRACEHOUND_CONFIG names. "
            "Got none."
        )
    publisher = KafkaPublisher(settings)

    async def bury(letter: DeadLetter) -> None:
        metrics.dead_letters.labels(error=letter.error).inc()
        await publisher.publish(Outgoing(topics.dead_letters.name, letter.key, letter.value, letter.wire_headers()))

    async def bury_notice(notice: Notice, reason: str) -> None:
        await bury(undelivered(notice, reason))

    queues: dict[str, DeliveryQueue] = {}
    for name, receiver in notify.receivers.items():
        built = build_receiver(name, receiver, read_secret(name, receiver, environment), notify.attempts_at_once, clock)
        queues[name] = DeliveryQueue(name, receiver.kind, built, notify, metrics, bury_notice, clock)
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        group_id=notify.group_id,
        client_id=notify.group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=int(min(3.0, settings.session_timeout_s / _HEARTBEATS_PER_SESSION) * 1000),
    )
    notifier = Notifier(
        consumer,
        Routes(notify),
        queues,
        bury,
        metrics,
        math.inf if settings.broker_is_embedded else notify.remember_s,  # the embedded broker knows no times
        settings.commit_interval_s,
        settings.finish_timeout_s,
        clock,
    )
    return NotifyApp(notifier, consumer, publisher, queues, topics.severity.name)


async def _run(settings: Settings) -> int:
    metrics = NotifyMetrics(CollectorRegistry())
    app = build_notifier(settings, metrics)
    metrics.registry.register(
        WaitingCollector(lambda: {(queue.name, queue.kind): len(queue) for queue in app.queues.values()})
    )
    stop, failures = stop_on_signals(), list[BaseException]()

    def fail(error: BaseException) -> None:
        failures.append(error)
        stop.set()

    app.notifier.on_failure = fail
    for queue in app.queues.values():
        queue.on_failure = fail
    health = HealthServer(
        metrics.registry,
        app.notifier,
        settings.http_host,
        settings.notify.http_port,
        settings.stall_timeout_s,
        fail,
    )
    try:
        await health.start()
        if await wait_for_broker(settings, stop):
            await _check_topics(settings)
            await _serve_until(stop, app, settings.finish_timeout_s + _STOP_SLACK_S)
    finally:
        await health.stop()
        await asyncio.gather(*(queue.close() for queue in app.queues.values()))
    for error in failures:
        log.critical("notifier_failed", sentence=f"A fatal error ended the notifier: {error!r}.")
    return EXIT_FAILED if failures else EXIT_CLEAN


async def _serve_until(stop: asyncio.Event, app: NotifyApp, stop_timeout_s: float) -> None:
    """Serve, and after ``stop`` wait so long for the end: a broker that is away must not hold it up."""
    serving = asyncio.create_task(serve(app, stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    try:
        await asyncio.wait_for(serving, stop_timeout_s)
    except TimeoutError:
        raise NotStoppedError(f"The notifier did not stop within {stop_timeout_s:g} s.") from None


async def _check_topics(settings: Settings) -> None:
    needed = (settings.topics.severity, settings.topics.dead_letters)
    problems = await asyncio.to_thread(check_topics, librdkafka_options(settings), needed)
    if problems:
        raise ConfigurationError("\n".join(problems))


async def serve(app: NotifyApp, stop: asyncio.Event) -> None:
    """Read and deliver until ``stop`` is set. Queues and receivers are left open."""
    await app.publisher.start()
    try:
        app.consumer.subscribe([app.topic], listener=app.notifier)
        await app.consumer.start()
        for queue in app.queues.values():
            if isinstance(queue.receiver, AlertmanagerReceiver):
                queue.receiver.start()
        log.info("notifier_ready", receivers=sorted(app.queues))
        await app.notifier.run(stop)
        log.info("notifier_stopped")
    finally:
        await _close(app.consumer)
        await app.publisher.stop()


async def _close(consumer: AIOKafkaConsumer) -> None:
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=_CLOSE_TIMEOUT_S)  # without a broker it ends cancelled, by itself
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("consumer_did_not_close", cause=repr(error))
