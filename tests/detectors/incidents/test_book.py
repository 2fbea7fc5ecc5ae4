"""The book as a function of its records: determinism, restarts at any point, repeated records, bounds."""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detectors.incidents.records import (
    START_S,
    World,
    anomaly,
    maintenance,
    progress,
    released,
    silence,
    verdict,
    wrapped,
)
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.book_state import BookState, pack_book, unpack_book
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import SEVERITIES, AnomalyKind
from tracehound.schemas.errors import SnapshotError, UnknownSubjectError
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.feedback import Judgement
from tracehound.schemas.incident import INCIDENT_TYPES, IncidentEvent
from tracehound.schemas.incident_input import IncidentInput, decode_input, encode_input
from tracehound.schemas.progress import Progress

APPLICATIONS = ("gateway", "cart", "stock", "mail", "users", "jobs")
CALLS = {"gateway": ("cart", "users"), "cart": ("stock",)}
KINDS: tuple[AnomalyKind, ...] = ("latency", "errors", "structure")
JUDGEMENTS: tuple[Judgement, ...] = ("false_positive", "confirmed", "expected_change")
SETTINGS = IncidentSettings(persist_after_s=600.0, open_per_environment=3, update_every_s=60.0, remembered_ids=100)


def random_log(seed: int, length: int) -> list[IncidentInput]:
    """Some minutes of an environment in which much goes wrong; now and then a clock is wrong."""
    choose = random.Random(seed)
    now_s, found = 0.0, [progress(name, 0.0, calls=CALLS.get(name, ())) for name in APPLICATIONS]
    log = [wrapped(record) for record in found]
    subjects = ["nobody"]
    while len(log) < length:
        now_s += choose.choice((0.1, 1.0, 5.0, 20.0))
        at_s = now_s + choose.choice((0.0, 0.0, 0.0, 0.0, -300.0, 86_400.0 if choose.random() < 0.1 else 0.0))
        name, what = choose.choice(APPLICATIONS), choose.random()
        operation = choose.choice(("GET /", "POST /", ""))
        if what < 0.25:
            severity = choose.choice(SEVERITIES)
            kind = choose.choice(KINDS)
            event = anomaly(name, max(0.0, at_s), severity, kind=kind, operation=operation)
            subjects.append(event.id)
            log.append(wrapped(event))
        elif what < 0.28:
            log.append(wrapped(silence(name, max(0.0, now_s - 20.0), now_s)))
        elif what < 0.31:
            judgement = choose.choice(JUDGEMENTS)
            log.append(wrapped(verdict(choose.choice(subjects), judgement, choose.random() < 0.2)))
        elif what < 0.33:
            log.append(wrapped(maintenance(now_s, now_s + 200.0, choose.choice(("", name)), choose.choice("uvw"))))
        elif what < 0.35:
            log.append(wrapped(released(name, str(now_s), now_s)))
        else:
            going_on = {f"{name}//latency/GET /": now_s - 1.0} if choose.random() < 0.2 else {}
            log.append(wrapped(progress(name, max(0.0, at_s), ongoing=going_on, calls=CALLS.get(name, ()))))
    return log


def told_by(book: IncidentBook, log: Sequence[IncidentInput]) -> list[IncidentEvent]:
    told: list[IncidentEvent] = []
    for record in log:
        with suppress(UnknownSubjectError):  # verdicts on what nobody knows, or nobody remembers
            told += book.take(record)
    return told


@settings(max_examples=25, deadline=None)  # a log is long; the machine may be busy
@given(st.integers(0, 2**32), st.integers(10, 400))
def test_equal_logs_lead_to_equal_events_and_equal_bytes(seed: int, length: int) -> None:
    log = random_log(seed, length)
    one, other = IncidentBook(SETTINGS), IncidentBook(SETTINGS)

    assert told_by(one, log) == told_by(other, [decode_input(encode_input(record)) for record in log])
    assert one.take_lessons() == other.take_lessons()
    assert one.snapshot() == other.snapshot()


@settings(max_examples=25, deadline=None)  # a log is long; the machine may be busy
@given(st.integers(0, 2**32), st.integers(0, 400), st.integers(0, 400))
def test_a_book_goes_on_from_any_snapshot_as_if_nothing_had_happened(seed: int, first: int, second: int) -> None:
    log = random_log(seed, first + second)
    uninterrupted = IncidentBook(SETTINGS)
    before = told_by(uninterrupted, log[:first])
    uninterrupted.take_lessons()
    restored = IncidentBook.restore(uninterrupted.snapshot(), SETTINGS)

    assert told_by(restored, log[first:]) == told_by(uninterrupted, log[first:])
    assert restored.take_lessons() == uninterrupted.take_lessons()
    assert restored.snapshot() == uninterrupted.snapshot()
    assert len({event.id for event in before}) == len(before)


@settings(max_examples=25, deadline=None)  # a log is long; the machine may be busy
@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(1, 40))
def test_what_is_told_of_an_incident_makes_sense(seed: int, first: int, second: int) -> None:
    """Revisions grow by one, what was resolved is opened before anything else, and lists and counts agree."""
    last: dict[str, IncidentEvent] = {}
    for event in told_by(IncidentBook(SETTINGS), random_log(seed, first + second)):
        data, before = event.data, last.get(event.subject)
        change = event.type.split(".")[3]
        assert data.revision == (1 if before is None else before.data.revision + 1)
        if before is None or before.data.state == "resolved":
            assert change == "opened"
        else:
            assert change in ("updated", "resolved")
        assert (change == "resolved") == (data.state == "resolved") == (data.resolved_at is not None)
        assert data.previous_severity == (None if before is None else before.data.severity)
        assert data.operation_count >= len(data.operations) > 0
        assert {one.application for one in data.operations} <= set(data.applications)
        last[event.subject] = event


@settings(max_examples=25, deadline=None)  # a log is long; the machine may be busy
@given(st.integers(0, 2**32), st.integers(20, 300), st.integers(1, 20))
def test_anomalies_that_are_repeated_change_nothing(seed: int, length: int, repeated: int) -> None:
    """What is read again after a restart: the anomalies, and the last progress of each application."""
    log = random_log(seed, length)
    book = IncidentBook(IncidentSettings())
    told_by(book, log)
    again = [record for record in log[-repeated:] if record.anomaly is not None]

    assert told_by(book, again) == []


def test_all_that_came_since_a_snapshot_may_come_twice() -> None:
    world = World({"gateway": ["shop"], "shop": []})
    for second in range(16, 1_000, 40):
        world.run(until_s=float(second))
        world.take(anomaly("shop", float(second), "minor" if second < 300 else "major"))
    world.run(until_s=1_500.0)
    told = [event.id for event in world.told]

    for place in range(0, len(world.log), 61):
        book = IncidentBook(IncidentSettings())
        begun = told_by(book, world.log[:place])
        rest = told_by(book, [*world.log[max(0, place - 20) : place], *world.log[place:]])
        assert [event.id for event in (*begun, *rest)] == told


def test_a_snapshot_of_a_busy_day_stays_small() -> None:
    world = World({f"app-{number}": [f"app-{number // 2}"] for number in range(500)})
    for number in range(500):
        name = f"app-{number * 7 % 500}"
        world.take(anomaly(name, 16.0 + number / 10), anomaly(name, 16.0 + number / 10, "minor", kind="structure"))

    assert len(world.book.snapshot()) < 1_000_000


def test_what_is_remembered_is_bounded() -> None:
    few = IncidentSettings(environments=3, applications_per_environment=10, open_per_environment=5, remembered_ids=100)
    book = IncidentBook(few)
    for number in range(300):
        book.take(wrapped(anomaly(f"app-{number}", float(number), environment=str(number % 7))))
        book.take(wrapped(progress(f"quiet-{number}", float(number), environment=str(number % 7))))
    counts = book.statistics()

    assert counts["environments"] == 3
    assert counts["applications"] <= 30
    assert counts["open"] <= 15
    assert len(msgspec.msgpack.decode(book.snapshot())[3]) == 100


def test_environments_that_are_made_up_push_out_nothing_that_is_in_use() -> None:
    book = IncidentBook(IncidentSettings(environments=5))
    book.take(wrapped(progress("shop", 0.0, environment="live", calls=["stock"])))
    told: list[IncidentEvent] = []
    for number in range(200):
        told += book.take(wrapped(anomaly("shop", float(number), environment=f"made-up-{number}")))
        if number % 3 == 0:
            book.take(wrapped(progress("shop", float(number), environment="live")))
    known = unpack_book(book.snapshot()).environments

    assert len(known) == 5
    assert known["live"].calls == {"shop": {"stock": pytest.approx(10.0, abs=1.0)}}
    changes = Counter(event.type for event in told)
    assert changes[INCIDENT_TYPES["opened"]] - changes[INCIDENT_TYPES["resolved"]] == 4  # who was told is told the end
    assert {event.data.reason for event in told if event.data.state == "resolved"} == {
        "given up: more than 5 environments are known"
    }


@pytest.mark.parametrize("damaged", [b"", b"\x93", b"nonsense", pack_book(BookState(version=99))])
def test_a_snapshot_that_is_none_is_refused(damaged: bytes) -> None:
    with pytest.raises(SnapshotError):
        IncidentBook.restore(damaged, SETTINGS)


def test_a_record_with_a_wrong_time_is_refused_and_changes_nothing() -> None:
    book = IncidentBook(SETTINGS)
    before = book.snapshot()
    wrong = progress("shop", 0.0)
    wrong.scored_through = "yesterday"
    late = anomaly("shop", 0.0)
    late.time = "yesterday"

    for record in (wrong, late):
        with pytest.raises(ValueError, match="RFC3339"):
            book.take(wrapped(record))
    assert book.snapshot() == before


def test_progress_of_a_clock_that_is_far_off_is_survived() -> None:
    world = World({"shop": []})
    world.take(anomaly("shop", 16.0, "minor"))
    far = Progress("shop", "", rfc3339(START_S + 20.0), 1, 0, 0, {}, {"shop//latency/GET /": 1e300})

    assert [event.time < rfc3339(START_S + 100.0) for event in world.take(far)] == []
    assert len(world.run(until_s=400.0)) <= 2
