"""The events of a topic, as they come."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings

Event = TypeVar("Event", AnomalyEvent, IncidentEvent)


class Listening(TopicReader, Generic[Event]):
    """Reads the events of a topic from its beginning, each once."""

    def __init__(self, settings: Settings, topic: str, kind: type[Event]) -> None:
        super().__init__(settings)
        self.start(TopicPartition(topic, number, OFFSET_BEGINNING) for number in self.partitions(topic))
        self._decode: Callable[[bytes], Event] = msgspec.json.Decoder(kind).decode
        self._seen: set[str] = set()

    def new(self, timeout_s: float = 0.0) -> Iterator[Event]:
        """What has come since; waits for the first for up to ``timeout_s``."""
        message = self.poll(timeout_s)
        while message is not None:
            event = self._decode(message.value)
            if event.id not in self._seen:
                self._seen.add(event.id)
                yield event
            message = self.poll(0)
