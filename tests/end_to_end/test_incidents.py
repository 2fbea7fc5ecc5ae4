"""The incident worker on Kafka: incidents of what scoring tells, and the same ones whatever is killed meanwhile."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from detectors.incidents.book import IncidentBook
from detectors.incidents.settings import IncidentSettings
from schemas.feedback import Verdict
from schemas.incident import IncidentEvent
from schemas.incident_input import IncidentInput, decode_input, encode_input
from tests.detectors.incidents.records import anomaly, progress, wrapped
from tests.end_to_end.conftest import wait_until_within

wait_until = partial(wait_until_within, timeout_s=60.0)

ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
INCIDENTS = (
    "import sys; from streams.settings import load_settings; from streams.worker import run_worker; "
    "from streams.incidents.app import build_incidents; sys.exit(run_worker(load_settings(), build_incidents))"
)


def story() -> Iterator[IncidentInput]:
    """Twenty applications, of which some deviate for a while, again and again."""
    for step in range(150):
        at_s = step * 20.0
        for number in range(20):
            name = f"app-{number}"
            if 10 <= (step + number) % 50 < 14:
                yield wrapped(anomaly(name, at_s, "critical" if number % 3 == 0 else "major"))
            yield wrapped(progress(name, at_s, calls=[f"app-{number + 1}"] if number % 4 == 0 else []))


class Stage:
    """A field with incident workers: what they are told, and what they tell."""

    def __init__(self, field: Any, worker: Callable[..., Any]) -> None:
        self.field = field
        self._worker = worker
        self._producer = Producer(field.broker.client_config)

    def start(self) -> Any:
        environment = {
            **self.field.environment,
            "TRACEHOUND_INCIDENT_WORKER__GROUP_ID": self.field.topics.prefix + "incidents",
            "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT": "0",
            "TRACEHOUND_INCIDENT_WORKER__SAVE_INTERVAL_S": "0.2",
        }
        return self._worker(environment, code=INCIDENTS)

    def tell(self, records: Sequence[IncidentInput]) -> None:
        for record in records:
            self._producer.produce(self.field.topics.incident_input.name, encode_input(record), b"")
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def say(self, topic: str, value: bytes) -> None:
        self._producer.produce(topic, value, b"k")
        assert self._producer.flush(30) == 0

    def told(self, enough: Callable[[list[IncidentEvent]], bool]) -> list[IncidentEvent]:
        """All events so far, once there are enough."""

        def read(messages: list[Message]) -> list[IncidentEvent]:
            return [msgspec.json.decode(message.value(), type=IncidentEvent) for message in messages]

        return read(self.field.read(self.field.topics.severity.name, lambda found: enough(read(found)), 90.0))

    def committed(self) -> int:
        topic = self.field.topics
        group = Consumer({**self.field.broker.client_config, "group.id": topic.prefix + "incidents"})
        try:
            [place] = group.committed([TopicPartition(topic.incident_input.name, 0)], timeout=10)
            return int(place.offset)
        finally:
            group.close()


@pytest.fixture
def stage(field: Any, worker: Callable[..., Any]) -> Stage:
    return Stage(field, worker)


def by_id(events: Sequence[IncidentEvent]) -> Mapping[str, IncidentEvent]:
    found: dict[str, IncidentEvent] = {}
    for event in events:
        assert found.setdefault(event.id, event) == event, "an id that came again must have the same content"
    return found


@ON_APACHE_KAFKA
def test_a_killed_worker_changes_nothing(stage: Stage) -> None:
    records = list(story())
    book = IncidentBook(IncidentSettings())
    expected = by_id([event for record in records for event in book.take(record)])
    assert len(expected) > 20
    first = stage.start()
    first.wait_for("worker_ready")
    for begin in range(0, len(records), 500):
        stage.tell(records[begin : begin + 500])
        if begin in (500, 1_500):
            time.sleep(0.7)
            first.kill()
            first = stage.start()
    assert by_id(stage.told(lambda events: len({event.id for event in events}) >= len(expected))) == expected
    wait_until(lambda: stage.committed() == len(records), "everything is committed")
    assert first.end() == 0


def test_what_people_say_comes_into_the_same_order_and_what_is_wrong_is_buried(stage: Stage) -> None:
    worker = stage.start()
    worker.wait_for("worker_ready")
    told = [wrapped(anomaly("shop", 5.0)), wrapped(progress("shop", 10.0))]
    stage.tell(told)
    opened = stage.told(lambda events: bool(events))[0]
    topics = stage.field.topics
    verdict = Verdict(opened.data.incident_id, "false_positive", time.time(), by="ann")
    stage.say(topics.feedback.name, msgspec.json.encode(verdict))
    stage.say(topics.maintenance.name, b'{"window_id": "w", "starts_at": 9, "ends_at": 5}')

    def resolved(events: list[IncidentEvent]) -> bool:
        return any(e.data.incident_id == opened.data.incident_id and e.data.state == "resolved" for e in events)

    last = [event for event in stage.told(resolved) if event.data.incident_id == opened.data.incident_id][-1]
    assert "ann" in last.data.reason
    [letter] = stage.field.read(topics.dead_letters.name, lambda found: len(found) >= 1)
    assert letter.value() == b'{"window_id": "w", "starts_at": 9, "ends_at": 5}'
    inputs = stage.field.read(topics.incident_input.name, lambda found: len(found) > len(told))
    assert decode_input(inputs[-1].value()).verdict == verdict
    assert worker.end() == 0
