"""The one place where a notifier is put together; nothing connects before it starts."""

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.notify.dead_letters import DeadLetters
from tracehound.streams.notify.delivery_queue import DeliveryQueue
from tracehound.streams.notify.delivery_reports import DeliveryReports
from tracehound.streams.notify.metrics import NotifyMetrics, WaitingCollector
from tracehound.streams.notify.notifier import Notifier
from tracehound.streams.notify.outcome import Receiver
from tracehound.streams.notify.receivers.build import build_receiver
from tracehound.streams.notify.routing import Routes
from tracehound.streams.notify.secrets import read_secret
from tracehound.streams.notify.service import NotifyApp
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.foundation import Foundation, heartbeat_interval_s
from tracehound.streams.worker.worker import Worker


def build_notify(
    settings: Settings,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
    clients: KafkaClients | None = None,
    receiver: Callable[..., Receiver] = build_receiver,
) -> Worker:
    """Assemble a notifier; needs a running event loop.

    Parameters:
        settings: everything that can be set.
        environment: where the receivers' secrets are.
        clock: wall time in epoch seconds.
        clients: of the cluster; without them those that the settings name.
        receiver: makes whoever is told, as ``build_receiver`` does.

    Raises:
        ConfigurationError: a setting or a secret is wrong or missing.
    """
    notify, topics = settings.notify, settings.topics
    if not notify.receivers:
        raise ConfigurationError(
            "The setting 'notify.receivers' must name at least one receiver, in the file that TRACEHOUND_CONFIG names. "
            "Got none."
        )
    base, closing = Foundation(settings, clients), AsyncExitStack()
    metrics = NotifyMetrics(base.registry)
    reports = DeliveryReports(base.publisher, topics.deliveries.name, clock)
    letters = DeadLetters(base.publisher, topics.dead_letters.name, metrics.dead_letters)

    queues: dict[str, DeliveryQueue] = {}
    for name, known in notify.receivers.items():
        built = receiver(name, known, read_secret(name, known, environment), notify.attempts_at_once, clock)
        queue = DeliveryQueue(
            name,
            known.kind,
            built,
            notify,
            metrics,
            letters.bury_notice,
            base.failure.tell,
            clock,
            report=reports.report,
        )
        closing.push_async_callback(queue.close)
        queues[name] = queue
    consumer = base.clients.consumer(
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
        partial(base.clients.topic_id, topics.severity.name),
    )
    app = NotifyApp(notifier, consumer, base.publisher, queues, topics.severity.name)
    metrics.registry.register(
        WaitingCollector(lambda: {(queue.name, queue.kind): len(queue) for queue in queues.values()})
    )
    health = base.health(notifier, notify.http_port)
    return Worker("notify", notify.group_id, app, health, base.failure, topics.notify(), closing)
