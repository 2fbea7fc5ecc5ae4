"""Where a worker's Kafka clients come from: one place, so that a simulated cluster can take that of a real one."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from tracehound.infra.kafka.topics import topic_id
from tracehound.streams.kafka.aiokafka_options import client_options
from tracehound.streams.kafka.bounded_batches import bound_batches
from tracehound.streams.kafka.librdkafka import librdkafka_options, longest_record
from tracehound.streams.kafka.runs.app import RunTransport
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S = 5.0


class KafkaClients:
    """Makes clients with the addresses and the security of the settings, and says which topic has a name.

    Nothing connects before a client is started. ``transport`` is what Faust's consumers are made by. From then on the
    whole process unpacks compressed batches within ``Settings.batch_bytes``, and reads what aiokafka stops at.
    """

    transport: Callable[..., Any] = RunTransport

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        bound_batches(settings.batch_bytes, longest=longest_record(settings))

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """A consumer; ``options`` are aiokafka's."""
        return AIOKafkaConsumer(**client_options(self._settings), **options)

    def producer(self, **options: Any) -> AIOKafkaProducer:
        """A producer; ``options`` are aiokafka's."""
        return AIOKafkaProducer(**client_options(self._settings), **options)

    async def answered(self) -> bool:
        """Whether any broker answers, within some seconds."""
        consumer = self.consumer()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await consumer.start()
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await consumer.stop()
        return True

    def present_topic_id(self, topic: str) -> str | None:
        """The id of a topic, None where the broker gives none; waits for the answer, so call it in a thread."""
        return topic_id(librdkafka_options(self._settings), topic)

    async def topic_id(self, topic: str) -> str:
        """The id of a topic; empty where the broker gives none, or does not answer in time."""
        if self._settings.broker_is_embedded:  # it has no ids, and does not answer either
            return ""
        options = librdkafka_options(self._settings)
        return await asyncio.to_thread(topic_id, options, topic, _TIMEOUT_S) or ""
