"""Workers of incidents: what they are told, and what they tell."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput, encode_input
from tracehound.schemas.topics import Topic

INCIDENTS = (
    "import sys; from tracehound.streams.settings.settings import load_settings; "
    "from tracehound.streams.worker.worker import run_worker; "
    "from tracehound.streams.incidents.app import build_incidents; "
    "sys.exit(run_worker(load_settings(), build_incidents))"
)


class Stage:
    """A field with incident workers: what they are told, and what they tell."""

    def __init__(self, field: Any, worker: Callable[..., Any]) -> None:
        self.field = field
        self._worker = worker
        self._producer = Producer(field.broker.client_config)

    def start(self, more: Mapping[str, str] | None = None) -> Any:
        environment = {
            **self.field.environment,
            **(more or {}),
            "TRACEHOUND_INCIDENT_WORKER__GROUP_ID": self.field.topics.prefix + "incidents",
            "TRACEHOUND_INCIDENT_WORKER__SAVE_INTERVAL_S": "0.2",
        }
        return self._worker(environment, code=INCIDENTS)

    def tell(self, records: Sequence[IncidentInput]) -> None:
        for record in records:
            self._producer.produce(self.field.topics.incident_input.name, encode_input(record), b"")
            self._producer.poll(0)
        assert self._producer.flush(120) == 0

    def say(self, topic: str, value: bytes) -> None:
        self._producer.produce(topic, value, b"k")
        assert self._producer.flush(120) == 0

    def told(self, enough: Callable[[list[IncidentEvent]], bool]) -> list[IncidentEvent]:
        """All events so far, once there are enough."""

        def read(messages: list[Message]) -> list[IncidentEvent]:
            return [msgspec.json.decode(message.value(), type=IncidentEvent) for message in messages]

        return read(self.field.read(self.field.topics.severity.name, lambda found: enough(read(found)), 120.0))

    def committed(self) -> int:
        """How far the input has been taken."""
        with self._group() as group:
            [place] = group.committed([TopicPartition(self.field.topics.incident_input.name, 0)], timeout=120)
            return int(place.offset)

    def offered(self, topic: Topic) -> int:
        """How many records a topic was given."""
        with self._group() as group:
            places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            return sum(group.get_watermark_offsets(place, timeout=120)[1] for place in places)

    @contextmanager
    def _group(self) -> Iterator[Consumer]:
        group = Consumer({**self.field.broker.client_config, "group.id": self.field.topics.prefix + "incidents"})
        try:
            yield group
        finally:
            group.close()


def by_id(events: Sequence[IncidentEvent]) -> Mapping[str, IncidentEvent]:
    found: dict[str, IncidentEvent] = {}
    for event in events:
        assert found.setdefault(event.id, event) == event, "an id that came again must have the same content"
    return found
