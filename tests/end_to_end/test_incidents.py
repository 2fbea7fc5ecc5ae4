"""The incident worker on Kafka: incidents of what scoring tells, and the same ones whatever is killed meanwhile."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest

from tests.detectors.incidents.nights import Nights
from tests.detectors.incidents.records import anomaly, progress, wrapped
from tests.end_to_end.conftest import wait_until_within
from tests.end_to_end.incident_stage import Stage, by_id
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.feedback import Verdict
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput, decode_input

wait_until = partial(wait_until_within, timeout_s=180.0)

ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)


def story() -> Iterator[IncidentInput]:
    """Twenty applications, of which some deviate for a while, again and again."""
    for step in range(150):
        at_s = step * 20.0
        for number in range(20):
            name = f"app-{number}"
            if 10 <= (step + number) % 50 < 14:
                yield wrapped(anomaly(name, at_s, "critical" if number % 3 == 0 else "major"))
            yield wrapped(progress(name, at_s, calls=[f"app-{number + 1}"] if number % 4 == 0 else []))


@pytest.fixture
def stage(field: Any, worker: Callable[..., Any]) -> Stage:
    return Stage(field, worker)


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


def test_a_habit_outlives_a_killed_worker(stage: Stage) -> None:
    nights = Nights()
    for day in range(3):
        nights.night(day)
    known = len(nights.log)
    for day in range(3, 6):
        nights.night(day)
    expected = by_id(nights.told)
    first = stage.start()
    first.wait_for("worker_ready")
    stage.tell(nights.log[:known])
    assert stage.told(lambda events: bool(events))
    first.kill()
    second = stage.start()
    second.wait_for("worker_ready")
    stage.tell(nights.log[known:])
    assert by_id(stage.told(lambda events: len({event.id for event in events}) >= len(expected))) == expected
    assert [bool(event.data.recurring) for event in expected.values()] == [False] * 10 + [True] * 2
    assert second.end() == 0


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
