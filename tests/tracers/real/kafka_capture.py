"""Takes what a tracer writes to Kafka by itself, on a broker within this process."""

from typing import Self

from confluent_kafka import Consumer, Producer, TopicPartition

_PARTITIONS = 4
"""As many as the broker gives to topics that it creates."""
_TIMEOUT_S = 10.0


class KafkaCapture:
    """librdkafka's own broker; ``values`` are those of all records of a topic so far."""

    def __init__(self, topic: str) -> None:
        self._broker = Producer({"test.mock.num.brokers": 1, "log_level": 0})  # (it lives as long as this client)
        (broker,) = self._broker.list_topics(timeout=_TIMEOUT_S).brokers.values()
        self.url = f"{broker.host}:{broker.port}"
        self._consumer = Consumer({"bootstrap.servers": self.url, "group.id": "capture", "log_level": 0})
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(_PARTITIONS)])
        self._values: list[bytes] = []

    @property
    def values(self) -> list[bytes]:
        """What was written until now."""
        while message := self._consumer.poll(0.2):
            value = message.value()
            if message.error() is None and value:
                self._values.append(value)
        return self._values

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._consumer.close()
