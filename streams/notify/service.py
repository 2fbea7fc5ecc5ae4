"""The notifier between start and stop: joins its group, reads and delivers, finishes and leaves."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from mode import Service

from tracehound.streams.kafka.publisher import KafkaPublisher
from tracehound.streams.notify.delivery_queue import DeliveryQueue
from tracehound.streams.notify.notifier import Notifier
from tracehound.streams.notify.receivers.alertmanager import AlertmanagerReceiver

_CLOSE_TIMEOUT_S = 10.0

log = structlog.get_logger(__name__)


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
