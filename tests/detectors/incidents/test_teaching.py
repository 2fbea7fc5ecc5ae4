"""What models are taught of verdicts, from the anomalies of an incident to what they tell after it."""

import math

import msgspec
import pytest

from tests.detectors.incidents.records import START_S, World, anomaly, maintenance, silence, verdict, wrapped
from tests.detectors.scoring.shop import changed, slowed, warmed, workload
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.incidents.teaching import JUDGEABLE, TAUGHT
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.control import Control, read_control
from tracehound.schemas.errors import UnknownSubjectError
from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.feedback import PATTERNS, Lesson, Maintenance, Pattern
from tracehound.schemas.incident_input import IncidentInput

SIZE = math.log(101.0 / 11.0)
"""Of 100 ms where 10 ms are usual."""


@pytest.fixture
def world() -> World:
    return World({"shop": ["stock"], "stock": []})


def lessons(book: IncidentBook) -> list[Lesson]:
    return [control.lesson for control in book.take_lessons() if control.lesson is not None]


def test_a_verdict_on_an_incident_teaches_each_of_its_applications(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0), anomaly("stock", 17.0, signal="call_ms", about="calls to bank"))
    assert world.book.take_lessons() == []
    world.take(verdict(opened.subject))
    shop, stock = world.book.take_lessons()

    assert (shop.verb, shop.application, shop.asked_at) == ("feedback", "shop", START_S)
    own = Pattern("latency", "self_ms", "chart", "GET /", "", SIZE, START_S + 16.0)
    assert shop.lesson == Lesson(opened.subject, "false_positive", START_S, [own], "ann")
    assert stock.lesson is not None
    assert [(one.signal, one.about) for one in stock.lesson.patterns] == [("call_ms", "bank")]
    assert world.book.take_lessons() == []


def test_a_verdict_on_an_anomaly_teaches_that_one_alone(world: World) -> None:
    one, other = anomaly("shop", 16.0), anomaly("shop", 17.0, operation="POST /")
    world.take(one, other, verdict(other.id))
    [lesson] = lessons(world.book)

    assert [pattern.operation for pattern in lesson.patterns] == ["POST /"]


def test_a_minor_anomaly_whose_incident_was_never_told_can_be_judged(world: World) -> None:
    single = anomaly("shop", 16.0, "minor")
    world.take(single)
    world.run(until_s=900.0)
    assert world.book.statistics()["pending"] == 0
    world.take(verdict(single.id))

    assert len(lessons(world.book)) == 1


def test_anomalies_of_merged_incidents_belong_to_the_one_that_lives_on() -> None:
    world = World({"shop": [], "stock": []})
    first, second = anomaly("shop", 16.0), anomaly("stock", 17.0)
    [opened, _] = world.take(first, second)
    world.applications["shop"] = ["stock"]
    world.ongoing = {"shop": {first.data.incident_key}}
    world.run(until_s=60.0)
    assert world.book.statistics()["open"] == 1
    world.take(verdict(opened.subject))

    assert [control.application for control in world.book.take_lessons()] == ["shop", "stock"]


def test_a_verdict_can_be_withdrawn_long_after_its_subject_was_forgotten() -> None:
    world = World({"shop": []}, IncidentSettings(remembered_ids=100, grace_s=0.0))
    judged = anomaly("shop", 16.0)
    world.take(judged, verdict(judged.id))
    for number in range(150):
        world.take(anomaly("shop", 20.0 + number))
    world.book.take_lessons()
    world.take(verdict(judged.id, withdrawn=True))
    [control] = world.book.take_lessons()

    assert control.application == "shop"
    assert control.lesson == Lesson(judged.id, "false_positive", START_S, [], "ann", withdrawn=True)
    with pytest.raises(UnknownSubjectError):
        world.take(verdict(judged.id, withdrawn=True))


def test_a_restart_forgets_nothing_of_what_can_be_judged(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    other = IncidentBook.restore(world.book.snapshot(), IncidentSettings())
    for book in (world.book, other):
        book.take(wrapped(verdict(opened.subject)))

    assert other.take_lessons() == world.book.take_lessons() != []


def test_a_snapshot_from_before_there_were_lessons_is_read(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    before = msgspec.msgpack.encode(msgspec.msgpack.decode(world.book.snapshot())[:5])
    book = IncidentBook.restore(before, IncidentSettings())

    [resolved] = book.take(wrapped(verdict(opened.subject)))
    assert resolved.data.state == "resolved"
    assert book.take_lessons() == []


def test_a_silence_is_as_long_as_it_became(world: World) -> None:
    world.stopped = {"stock"}
    world.take(told := silence("stock", 15.0, 35.0))
    world.run(until_s=3_600.0)
    world.stopped = set()
    world.run(until_s=3_900.0)
    world.take(verdict(told.id))
    [lesson] = lessons(world.book)

    as_noticed = math.log(20_001.0 / 11.0)  # the numbers of the made-up anomaly
    assert lesson.patterns[0].size == pytest.approx(as_noticed + math.log(3_590.0 / 20.0), abs=0.05)


def test_a_lesson_is_bounded_and_so_is_what_can_be_judged(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    for number in range(JUDGEABLE + 10):
        world.book.take(wrapped(anomaly("shop", 16.0 + number / 100.0, operation=f"GET /{number}")))
    world.take(verdict(opened.subject))
    [lesson] = lessons(world.book)

    assert len(msgspec.msgpack.decode(world.book.snapshot())[5][0]) == JUDGEABLE
    assert len(lesson.patterns) == PATTERNS
    assert lesson.patterns[0].operation == f"GET /{JUDGEABLE + 9}"


def test_subjects_that_were_taught_are_bounded(world: World) -> None:
    for number in range(TAUGHT + 10):
        one = anomaly("shop", 16.0 + number / 100.0, "minor")
        world.take(one, verdict(one.id, "confirmed"))

    assert len(msgspec.msgpack.decode(world.book.snapshot())[5][1]) == TAUGHT


def test_incidents_within_a_window_that_is_learned_are_expected_changes(world: World) -> None:
    window = msgspec.structs.replace(maintenance(0.0, 300.0, "shop"), learn=True)
    [opened] = world.take(window, anomaly("shop", 16.0))
    [lesson] = lessons(world.book)
    world.run(until_s=100.0)
    nothing_new = lessons(world.book)
    world.take(anomaly("shop", 101.0, "critical", kind="errors"))
    [more] = lessons(world.book)

    assert (lesson.subject_id, lesson.judgement) == (opened.subject, "expected_change")
    assert lesson.by == "the maintenance window w"
    assert nothing_new == []
    assert {pattern.kind for pattern in more.patterns} == {"latency", "errors"}
    assert more.judged_at > lesson.judged_at


def test_a_window_that_is_not_learned_teaches_nothing(world: World) -> None:
    world.take(maintenance(0.0, 300.0, "shop"), anomaly("shop", 16.0))

    assert world.book.take_lessons() == []


def judged_at_once(events: list[AnomalyEvent]) -> list[Control]:
    """The controls that a false positive on all of these leads to, as they are read from the topic."""
    book = IncidentBook(IncidentSettings())
    [opened] = [told for event in events for told in book.take(IncidentInput(anomaly=event))][:1]
    book.take(wrapped(verdict(opened.subject)))
    return [read_control(msgspec.json.encode(control)) for control in book.take_lessons()]


def test_from_executions_to_incident_to_verdict_and_back() -> None:
    """The like is not told again, and a true fault of another kind in the same executions is."""
    found = warmed()
    deviated = [event for _, event in found.score(slowed(workload("shop", 120, 2, 1_000.0), 60.0)).anomalies]
    found.score(workload("shop", 700, 3, 1_120.0))
    for control in judged_at_once(deviated):
        assert control.lesson is not None
        [told] = found.heed((control.application, control.environment), control.lesson)
        assert told.data.change == "feedback"
    repeated = slowed(workload("shop", 120, 4, 1_820.0), 60.0)
    other = warmed()
    other.restore(found.snapshot(("shop", "")))

    assert found.score(repeated).anomalies == []
    failing = changed(repeated, status="error", error=ExecutionFailure("Timeout"))
    assert {event.data.kind for _, event in other.score(failing).anomalies} == {"errors"}


def test_hostile_windows_and_names_become_valid_lessons(world: World) -> None:
    hostile = "\x1b[31m\u202e" * 30
    window = Maintenance("w" * 200, START_S, START_S + 300.0, learn=True)
    world.take(window, anomaly("shop", 16.0, operation=hostile, signal="structure_new", about="x" * 5_000))
    [control] = world.book.take_lessons()
    read = read_control(msgspec.json.encode(control)).lesson

    assert read is not None
    assert read.patterns[0].operation == hostile
    assert len(read.patterns[0].about) == 1_000
    assert len(read.patterns) <= PATTERNS
