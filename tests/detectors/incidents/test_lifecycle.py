"""The life of an incident: opened, told again, persisting, resolved on progress only, and opened again."""

import pytest

from tests.detectors.incidents.records import World, anomaly, changes, progress, released, silence
from tracehound.detectors.incidents.book_state import unpack_book
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import AnomalyKind

KEY = "shop//latency/GET /"


@pytest.fixture
def world() -> World:
    return World({"shop": []})


def test_a_major_anomaly_opens_an_incident_at_once_and_quiet_with_progress_resolves_it(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    told = world.run(until_s=300.0)

    assert opened.data.state == "open"
    assert opened.data.previous_severity is None
    assert opened.data.resolved_at is None
    assert changes(told) == [("resolved", "major")]
    assert told[0].data.reason == "quiet for 120 s"
    assert told[0].data.state == "resolved"
    assert told[0].data.resolved_at == opened.data.opened_at == opened.time
    assert told[0].data.previous_severity == "major"
    assert (opened.data.revision, told[0].data.revision) == (1, 2)
    assert opened.data.dedup_key == told[0].data.dedup_key == opened.data.incident_id == opened.subject


def test_a_single_minor_anomaly_is_not_told(world: World) -> None:
    assert world.take(anomaly("shop", 16.0, "minor")) == []
    assert world.run(until_s=400.0) == []
    assert world.book.statistics()["pending"] == 0


@pytest.mark.parametrize("signal", ["structure_missing", "structure_count"])
def test_what_is_learned_as_it_is_seen_is_told_at_once(world: World, signal: str) -> None:
    told = world.take(anomaly("shop", 16.0, "minor", kind="structure", signal=signal))

    assert changes(told) == [("opened", "minor")]


def test_a_window_is_more_than_one_execution(world: World) -> None:
    told = world.take(anomaly("shop", 30.0, "minor", operation="", kind="traffic", signal="traffic"))

    assert changes(told) == [("opened", "minor")]


def test_a_new_type_of_error_is_told_at_once_when_it_was_seen_more_than_once() -> None:
    for sightings, expected in ((1.0, []), (3.0, [("opened", "minor")])):
        event = anomaly("shop", 16.0, "minor", kind="errors", signal="error_type")
        event.data.actual = sightings
        assert changes(World({"shop": []}).take(event)) == expected


def test_the_first_silence_of_an_open_incident_is_told_at_once() -> None:
    world = World({"gateway": ["shop", "stock"], "shop": [], "stock": []})
    world.take(anomaly("gateway", 16.0, "critical", kind="errors", signal="error_rate"))
    told = world.take(silence("shop", 10.0, 30.0), silence("stock", 10.0, 30.0))

    assert [event.data.reason for event in told] == ["an application fell silent"]


def test_a_minor_anomaly_that_goes_on_is_told(world: World) -> None:
    world.take(anomaly("shop", 16.0, "minor"))
    world.ongoing["shop"] = {KEY}
    told = world.run(until_s=60.0)

    assert changes(told) == [("opened", "minor")]
    assert world.now_s >= 46.0


def test_two_kinds_of_one_execution_are_one_occasion_and_another_execution_is_the_second(world: World) -> None:
    assert world.take(anomaly("shop", 16.0, "minor", trace_id="t")) == []
    assert world.take(anomaly("shop", 16.0, "minor", kind="structure", signal="structure_new", trace_id="t")) == []
    told = world.take(anomaly("shop", 17.0, "minor", kind="structure", signal="structure_new", trace_id="other"))

    assert changes(told) == [("opened", "minor")]
    assert told[0].data.anomaly_count == 3


def test_what_goes_on_keeps_it_open_without_being_told_again(world: World) -> None:
    world.take(anomaly("shop", 16.0))
    world.ongoing["shop"] = {KEY}
    assert world.run(until_s=1_000.0) == []
    world.ongoing.clear()
    [resolved] = world.run(until_s=1_200.0)

    assert resolved.data.resolved_at is not None
    assert resolved.data.resolved_at > world.told[0].time
    assert resolved.data.anomaly_count == 1


def test_nothing_is_resolved_without_progress() -> None:
    world = World({"shop": [], "other": []})
    world.take(anomaly("shop", 16.0))
    world.stopped = {"shop"}

    assert world.run(until_s=20_000.0) == []
    world.stopped = set()
    assert changes(world.run(until_s=20_020.0)) == [("resolved", "major")]


def test_one_progress_record_from_a_wrong_clock_resolves_nothing(world: World) -> None:
    world.take(anomaly("shop", 16.0))

    assert world.take(progress("shop", 86_400.0)) == []
    assert world.run(until_s=130.0) == []
    assert changes(world.run(until_s=160.0)) == [("resolved", "major")]


def test_an_anomaly_a_day_ahead_neither_resolves_others_nor_stays_for_a_day() -> None:
    world = World({"shop": [], "other": []})
    world.take(anomaly("shop", 16.0))
    [ahead] = world.take(anomaly("other", 86_400.0))
    assert world.run(until_s=100.0) == []
    told = world.run(until_s=200.0)

    assert sorted(event.subject for event in told) == sorted([ahead.subject, world.told[0].subject])
    assert changes(told) == [("resolved", "major")] * 2


def test_a_late_anomaly_counts_as_of_what_was_scored(world: World) -> None:
    world.run(until_s=1_000.0)
    world.take(anomaly("shop", 100.0))

    assert world.run(until_s=1_110.0) == []
    assert changes(world.run(until_s=1_150.0)) == [("resolved", "major")]


def test_an_anomaly_that_comes_twice_counts_once(world: World) -> None:
    world.take(anomaly("shop", 16.0), anomaly("shop", 16.0))
    [resolved] = world.run(until_s=200.0)

    assert resolved.data.anomaly_count == 1
    assert world.take(anomaly("shop", 16.0)) == []


def test_updates_with_nothing_but_numbers_are_rare(world: World) -> None:
    for second in range(16, 1_500, 2):
        world.run(until_s=float(second))
        world.take(anomaly("shop", float(second)))

    assert changes(world.told) == [("opened", "major"), *[("updated", "major")] * 4]
    assert world.told[-1].data.reason.endswith("more anomalies")


def test_escalation_is_told_at_once(world: World) -> None:
    world.take(anomaly("shop", 16.0))
    [event] = world.take(anomaly("shop", 17.0, "critical", kind="errors", signal="error_rate"))

    assert changes([event]) == [("updated", "critical")]
    assert event.data.reason == "escalated to critical"
    assert event.data.previous_severity == "major"
    assert event.data.kinds == ["latency", "errors"]


def test_severity_stays_at_its_worst(world: World) -> None:
    world.take(anomaly("shop", 16.0, "critical", kind="errors", signal="error_rate"))
    world.take(anomaly("shop", 17.0, "minor"))

    assert changes(world.run(until_s=400.0)) == [("resolved", "critical")]


def test_long_faults_are_persisting_and_told_so_once() -> None:
    world = World({"shop": []}, IncidentSettings(persist_after_s=600.0))
    world.take(anomaly("shop", 16.0))
    world.ongoing["shop"] = {KEY}
    told = world.run(until_s=2_500.0)
    world.ongoing.clear()
    end = world.run(until_s=2_700.0)

    assert [(event.data.state, event.data.reason) for event in told] == [
        ("persisting", "goes on for longer than 600 s")
    ]
    assert [event.data.state for event in end] == ["resolved"]


def test_what_deviates_again_within_the_grace_is_the_same_incident(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    [resolved] = world.run(until_s=150.0)
    world.run(until_s=600.0)
    [again] = world.take(anomaly("shop", 601.0))

    assert again.subject == opened.subject
    assert again.type.endswith("opened.v1")
    assert (again.data.revision, again.data.reopened) == (3, 1)
    assert again.data.resolved_at is None
    assert again.data.reason.startswith("deviates again, 4")
    assert again.data.opened_at == opened.data.opened_at
    assert changes(world.run(until_s=800.0)) == [("resolved", "major")]
    assert resolved.data.reopened == 0


def test_what_is_opened_again_is_explained_by_what_deviates_now(world: World) -> None:
    world.take(anomaly("shop", 16.0, score=20.0, about="calls to stock"))
    world.run(until_s=200.0)
    [again] = world.take(anomaly("shop", 300.0, operation="POST /", about="its own code"))

    assert [one.operation for one in again.data.top_anomalies] == ["POST /"]
    assert again.data.suspected_cause is not None
    assert again.data.suspected_cause.application == "shop"
    assert (again.data.anomaly_count, again.data.operation_count) == (2, 2)


def test_a_single_minor_anomaly_opens_nothing_again(world: World) -> None:
    world.take(anomaly("shop", 16.0))
    world.run(until_s=200.0)

    assert world.take(anomaly("shop", 300.0, "minor")) == []
    assert world.run(until_s=600.0) == []
    assert changes(world.take(anomaly("shop", 600.0, "minor"), anomaly("shop", 601.0, "minor"))) == [
        ("opened", "minor")
    ]
    assert world.told[-1].data.reopened == 1


def test_what_goes_on_silently_after_it_was_resolved_opens_it_again(world: World) -> None:
    world.take(anomaly("shop", 16.0, "minor"), anomaly("shop", 17.0, "minor"))
    world.run(until_s=200.0)
    world.ongoing["shop"] = {KEY}

    assert changes(world.run(until_s=240.0)) == [("opened", "minor")]
    assert world.told[-1].data.reopened == 1


def test_after_the_grace_it_is_another_incident(world: World) -> None:
    [opened] = world.take(anomaly("shop", 16.0))
    world.run(until_s=1_200.0)
    [other] = world.take(anomaly("shop", 1_200.0))

    assert other.subject != opened.subject
    assert (other.data.revision, other.data.reopened, other.data.anomaly_count) == (1, 0, 1)


def test_silence_opens_an_incident_that_only_its_executions_resolve() -> None:
    world = World({"gateway": ["shop"], "shop": [], "other": []})
    world.stopped = {"shop"}
    [opened] = world.take(silence("shop", 15.0, 35.0))
    [lasting] = world.take(silence("shop", 15.0, 75.0))
    assert world.run(until_s=1_000.0) == []
    world.stopped = set()
    assert world.run(until_s=1_100.0) == []
    [resolved] = world.run(until_s=1_200.0)

    assert (opened.data.severity, lasting.data.severity) == ("major", "critical")
    assert lasting.data.reason == "escalated to critical"
    assert opened.data.operations[0].operation == ""
    assert resolved.data.reason == "executions of shop came back, and then it was quiet for 120 s"
    assert resolved.data.resolved_at is not None
    assert resolved.data.resolved_at > opened.data.opened_at


def test_an_instance_that_is_redeployed_is_not_critical() -> None:
    world = World({"gateway": ["shop"], "shop": []})
    world.stopped = {"shop"}
    world.take(silence("shop", 15.0, 32.0))
    world.run(until_s=40.0)
    world.stopped = set()
    world.take(released("shop", "2", 40.0))
    world.run(until_s=400.0)

    assert changes(world.told) == [("opened", "major"), ("resolved", "major")]
    assert [one.version for one in world.told[-1].data.releases] == ["2"]


def test_another_fault_elsewhere_in_the_application_is_another_incident(world: World) -> None:
    [first] = world.take(anomaly("shop", 16.0))
    world.run(until_s=400.0)
    [second] = world.take(anomaly("shop", 400.0, operation="POST /pay", kind="errors", signal="error_rate"))
    world.run(until_s=700.0)
    [third] = world.take(anomaly("shop", 700.0))

    assert second.subject != first.subject
    assert (second.data.reopened, second.data.anomaly_count) == (0, 1)
    assert (third.subject, third.data.reopened) == (first.subject, 1)


@pytest.mark.parametrize(("operation", "kind"), [("GET /", "errors"), ("POST /pay", "latency")])
def test_the_same_kind_or_the_same_place_is_the_same_incident_again(
    world: World, operation: str, kind: AnomalyKind
) -> None:
    [first] = world.take(anomaly("shop", 16.0))
    world.run(until_s=400.0)
    [again] = world.take(anomaly("shop", 400.0, operation=operation, kind=kind))

    assert (again.subject, again.data.reopened) == (first.subject, 1)


def test_a_silence_of_a_clock_that_was_ahead_ends_with_the_executions_that_come() -> None:
    world = World({"shop": []})
    [opened] = world.take(silence("shop", 3_600.0, 3_660.0))  # the last executions were of a host an hour ahead
    told = world.run(until_s=400.0)
    assert opened.data.state == "open"
    assert changes(told)[-1][0] == "resolved"
    assert world.book.statistics()["open"] == 0


def test_progress_of_before_that_comes_late_ends_no_silence() -> None:
    world = World({"shop": []})
    world.take(silence("shop", 15.0, 75.0))
    world.take(progress("shop", 13.0), progress("shop", 14.0), progress("shop", 15.0))
    [known] = next(iter(unpack_book(world.book.snapshot()).environments.values())).applications.values()
    assert known.silent
    assert world.book.statistics()["open"] == 1


def test_silence_that_nobody_misses_is_not_critical() -> None:
    world = World({"shop": []})
    for minute in range(1, 30):
        world.take(progress("shop", 15.0 + 60.0 * minute, executions=6))

    assert changes(world.take(silence("shop", 1_755.0, 1_900.0))) == [("opened", "major")]


def test_a_new_environment_without_any_progress_is_told_of() -> None:
    world = World({})

    assert changes(world.take(anomaly("shop", 16.0))) == [("opened", "major")]
    assert changes(world.take(anomaly("shop", 20.0, "critical", kind="errors"))) == [("updated", "critical")]


def test_given_up_is_the_one_that_deviated_longest_ago() -> None:
    world = World({}, IncidentSettings(open_per_environment=3, storm_s=1.0))
    for number in range(3):
        world.take(anomaly(f"shop-{number}", 100.0 * number))
    told = world.take(anomaly("shop-3", 300.0))

    assert changes(told) == [("resolved", "major"), ("opened", "major")]
    assert told[0].subject == world.told[0].subject
    assert told[0].data.reason == "given up: more than 3 incidents are open"
    assert world.book.statistics()["open"] == 3
