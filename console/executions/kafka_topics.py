"""What there is of topics now, asked of the cluster by confluent-kafka."""

from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from tracehound.infra.kafka.topics import topic_id
from tracehound.schemas.errors import BrokerError
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S = 10.0


class KafkaTopics:
    """Asks by a consumer that is there anyway."""

    def __init__(self, settings: Settings, consumer: Consumer) -> None:
        self._settings, self._consumer = settings, consumer

    def offsets(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset of a partition, and that after its last.

        Raises:
            BrokerError: no broker answers.
        """
        found = self._ask(self._consumer.get_watermark_offsets, TopicPartition(topic, partition), timeout=_TIMEOUT_S)
        return int(found[0]), int(found[1])

    def extent(self, topic: str, partitions: Sequence[int]) -> Extent:
        """The id of a topic, and where its partitions end.

        Raises:
            BrokerError: no broker answers.
        """
        return Extent(self.id_of(topic), {number: self.offsets(topic, number)[1] for number in partitions})

    def id_of(self, topic: str) -> str:
        """The id of a topic; empty where the broker gives none, or does not answer in time."""
        if self._settings.broker_is_embedded:  # it has no ids, and does not answer either
            return ""
        return topic_id(librdkafka_options(self._settings), topic, _TIMEOUT_S) or ""

    def _ask(self, ask: Any, *given: Any, **named: Any) -> Any:
        try:
            return ask(*given, **named)
        except KafkaException as error:
            raise BrokerError(
                f"Kafka at {self._settings.bootstrap_servers} cannot be used: {error.args[0].str()}."
            ) from error
