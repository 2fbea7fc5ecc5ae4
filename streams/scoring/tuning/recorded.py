"""What Kafka has of an application's executions now, asked when a tuning begins."""

from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition

from tracehound.schemas.errors import BrokerError
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.roles import COMMANDS_GROUP
from tracehound.streams.settings.settings import Settings

_BROKER_S = 10.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """Offsets from ``first`` up to before ``last`` of a partition of executions, and where results will be."""

    partition: int
    first: int
    last: int
    results_from: int


class Recordings(Protocol):
    """Knows what is recorded of applications."""

    def of(self, application: str) -> Recorded:
        """What there is now.

        Raises:
            BrokerError: no broker answers, or a topic is missing.
        """
        ...


class KafkaRecordings:
    """Asks Kafka; connects anew each time, since that is seldom."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of(self, application: str) -> Recorded:
        """See ``Recordings``."""
        settings = self._settings
        executions = TopicPartition(
            settings.topics.executions.name, Partitioner(settings.partitions).partition_of(application)
        )
        options = librdkafka_options(settings) | {"client.id": "tracehound-tuning", "log_level": 0}
        consumer = Consumer(options | {"group.id": COMMANDS_GROUP, "enable.auto.commit": False})
        try:
            first, last = consumer.get_watermark_offsets(executions, timeout=_BROKER_S)
            results = TopicPartition(settings.topics.tuning_results.name, 0)
            _, results_from = consumer.get_watermark_offsets(results, timeout=_BROKER_S)
        except KafkaException as error:
            raise BrokerError(
                f"Kafka at {settings.bootstrap_servers} cannot say what it has of executions: {error.args[0].str()}."
            ) from error
        finally:
            consumer.close()
        return Recorded(executions.partition, first, last, results_from)
