"""The one place where a notifier is put together; nothing connects before it starts."""

import asyncio
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from mode import Service
from prometheus_client import Counter

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.connection import client_options
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
from tracehound.streams.worker.foundation import Foundation, heartbeat_interval_s
from tracehound.streams.worker.worker import Worker

_CLOSE_TIMEOUT_S = 10.0

log = structlog.get_logger(__name__)


def build_notify(
    settings: Settings, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.time
) -> Worker:
    """Assemble a notifier; needs a running event loop.

    Parameters:
        settings: everything that can be set.
        environment: where the receivers' secrets are.
        clock: wall time in epoch seconds.

    Raises:
        ConfigurationError: a setting or a secret is wrong or missing.
    """
    notify, topics = settings.notify, settings.topics
    if not notify.receivers:
        raise ConfigurationError(
            "The setting 'notify.receivers' must name at least one receiver, in the file that TRACEHOUND_CONFIG names. "
            "Got none."
        )
    base, closing = Foundation(settings), AsyncExitStack()
    metrics = NotifyMetrics(base.registry)
    letters = _DeadLetters(base.publisher, topics.dead_letters.name, metrics.dead_letters)

    queues: dict[str, DeliveryQueue] = {}
    for name, receiver in notify.receivers.items():
        built = build_receiver(name, receiver, read_secret(name, receiver, environment), notify.attempts_at_once, clock)
        queue = DeliveryQueue(
            name, receiver.kind, built, notify, metrics, letters.bury_notice, base.failure.tell, clock
        )
        closing.push_async_callback(queue.close)
        queues[name] = queue
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        group_id=notify.group_id,
        client_id=notify.group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=int(heartbeat_interval_s(settings) * 1000),
    )
    notifier = Notifier(
        consumer,
        Routes(notify),
        queues,
        letters.bury,
        metrics,
        math.inf if settings.broker_is_embedded else notify.remember_s,  # the embedded broker knows no times
        settings.commit_interval_s,
        settings.finish_timeout_s,
        base.failure.tell,
        clock,
    )
    app = NotifyApp(notifier, consumer, base.publisher, queues, topics.severity.name)
    metrics.registry.register(
        WaitingCollector(lambda: {(queue.name, queue.kind): len(queue) for queue in queues.values()})
    )
    health = base.health(notifier, notify.http_port)
    return Worker(notify.group_id, app, health, base.failure, (topics.severity, topics.dead_letters), closing)


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


class _DeadLetters:
    """Sends dead letters, and counts them."""

    def __init__(self, publisher: KafkaPublisher, topic: str, counter: Counter) -> None:
        self._publisher = publisher
        self._topic = topic
        self._counter = counter

    async def bury(self, letter: DeadLetter) -> None:
        self._counter.labels(error=letter.error).inc()
        await self._publisher.publish(Outgoing(self._topic, letter.key, letter.value, letter.wire_headers()))

    async def bury_notice(self, notice: Notice, reason: str) -> None:
        await self.bury(undelivered(notice, reason))


class NotifyApp(Service):
    """Reads incidents and delivers messages between start and stop. Queues and receivers are left open."""

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(
        self,
        notifier: Notifier,
        consumer: AIOKafkaConsumer,
        publisher: KafkaPublisher,
        queues: Mapping[str, DeliveryQueue],
        topic: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.notifier = notifier
        self.queues = queues
        self._consumer = consumer
        self._publisher = publisher
        self._topic = topic
        self._stop = asyncio.Event()
        self._serving: asyncio.Future[None] | None = None

    async def on_start(self) -> None:
        """Join the consumer group, and begin to deliver."""
        await self._publisher.start()
        self._consumer.subscribe([self._topic], listener=self.notifier)
        await self._consumer.start()
        for queue in self.queues.values():
            if isinstance(queue.receiver, AlertmanagerReceiver):
                queue.receiver.start()
        log.info("notifier_ready", receivers=sorted(self.queues))
        self._serving = self.add_future(self.notifier.run(self._stop))

    async def on_stop(self) -> None:
        """Finish what is under way, commit, and leave the group."""
        self._stop.set()
        if self._serving is not None:
            await asyncio.wait([self._serving])
        await _close(self._consumer)
        await self._publisher.stop()


async def _close(consumer: AIOKafkaConsumer) -> None:
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=_CLOSE_TIMEOUT_S)  # without a broker it ends cancelled, by itself
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("consumer_did_not_close", cause=repr(error))
