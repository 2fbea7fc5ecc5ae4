"""Which anomalies are one incident: by application, by who calls whom, by time, and in storms."""

import pytest

from tests.detectors.incidents.records import World, anomaly, changes, progress, silence
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import AnomalyKind

SHOP = {"gateway": ["cart", "users"], "cart": ["stock"], "users": [], "stock": [], "mail": []}


def test_operations_and_kinds_of_an_application_are_one_incident() -> None:
    world = World(SHOP)
    world.take(anomaly("cart", 16.0), anomaly("cart", 17.0, operation="POST /"))
    world.take(anomaly("cart", 200.0, kind="errors", signal="error_rate"))

    assert {event.subject for event in world.told} == {world.told[0].subject}
    assert world.told[0].data.applications == ["cart"]


def test_callers_and_callees_that_deviate_soon_join() -> None:
    world = World(SHOP)
    world.take(anomaly("stock", 16.0), anomaly("cart", 20.0), anomaly("gateway", 30.0))
    world.run(until_s=90.0)
    [joined] = world.take(anomaly("users", 90.0, "minor"))

    assert world.book.statistics() == {"open": 1, "quiet": 0, "pending": 0, "applications": 5, "environments": 1}
    assert [event.data.reason for event in world.told[1:]] == ["escalated to critical", "1 more application deviates"]
    assert joined.data.applications == ["cart", "gateway", "stock", "users"]
    assert joined.data.anomaly_count == joined.data.operation_count == 4


def test_a_consumer_and_its_producer_join_across_their_queue() -> None:
    world = World({"shop": ["kafka orders"], "billing": []})
    world.take(progress("billing", 10.0, taken=["kafka orders"]))
    world.take(anomaly("shop", 16.0, kind="errors", signal="error_rate", about="TimeoutError"))
    world.take(anomaly("billing", 20.0, "critical", kind="traffic", signal="traffic", about="missing executions"))
    world.run(until_s=90.0)

    last = world.told[-1].data
    assert world.book.statistics()["open"] == 1
    assert last.applications == ["billing", "shop"]
    assert last.suspected_cause is not None
    assert last.suspected_cause.application == "shop"
    assert "the traffic of billing follows from it" in last.suspected_cause.why


def test_those_that_have_nothing_to_do_with_each_other_stay_apart() -> None:
    world = World(SHOP)
    world.take(anomaly("stock", 16.0), anomaly("mail", 16.0))

    assert len({event.subject for event in world.told}) == world.book.statistics()["open"] == 2


def test_a_neighbour_that_deviates_long_after_is_another_incident() -> None:
    world = World(SHOP)
    world.take(anomaly("stock", 16.0))
    world.stopped = {"stock"}  # so that it stays open
    world.run(until_s=200.0)
    world.take(anomaly("cart", 200.0))

    assert len({event.subject for event in world.told}) == 2


def test_silence_lasts_for_those_that_join() -> None:
    world = World(SHOP)
    world.stopped = {"stock"}
    world.take(silence("stock", 15.0, 35.0))
    world.run(until_s=900.0)
    world.take(anomaly("cart", 900.0, kind="errors", signal="error_rate"))

    assert len({event.subject for event in world.told}) == 1


def test_incidents_that_become_connected_are_merged_into_the_older() -> None:
    world = World(SHOP)
    [older] = world.take(anomaly("stock", 16.0))
    [younger] = world.take(anomaly("gateway", 30.0))
    told = world.take(anomaly("cart", 40.0))

    assert changes(told) == [("resolved", "major")]
    assert told[0].subject == younger.subject
    assert told[0].data.reason == f"merged into {older.subject}"
    assert told[0].data.resolved_at is not None
    end = world.run(until_s=400.0)
    assert [event.subject for event in end if event.type.endswith("resolved.v1")] == [older.subject]
    assert end[-1].data.applications == ["cart", "gateway", "stock"]


def test_a_call_that_was_never_seen_before_merges_too() -> None:
    world = World({"a": [], "b": []})
    [older] = world.take(anomaly("a", 16.0))
    world.take(anomaly("b", 16.5))
    told = world.take(progress("b", 20.0, calls=["a"]))

    assert [event.data.reason for event in told] == [f"merged into {older.subject}"]
    assert world.book.statistics()["open"] == 1


def test_environments_are_apart() -> None:
    world = World({})
    world.take(anomaly("shop", 16.0, environment="test"), anomaly("shop", 16.0, environment="production"))

    assert {event.data.environment for event in world.told} == {"test", "production"}
    assert len({event.subject for event in world.told}) == 2
    assert {event.source for event in world.told} == {
        "/tracehound/test/incidents",
        "/tracehound/production/incidents",
    }


def test_a_storm_of_a_thousand_operations_of_one_application_is_three_messages() -> None:
    world = World({"shop": []})
    for number in range(1_000):
        world.take(anomaly("shop", 16.0 + number / 1_000, operation=f"GET /{number}"))
    world.run(until_s=300.0)

    assert changes(world.told) == [("opened", "major"), ("resolved", "major")]
    end = world.told[-1].data
    assert (end.operation_count, end.anomaly_count) == (1_000, 1_000)
    assert (len(end.operations), len(end.top_anomalies), len(end.exemplar_trace_ids)) == (20, 5, 10)


def test_a_storm_over_connected_applications_is_three_messages() -> None:
    called = [f"app-{number}" for number in range(50)]
    world = World({"gateway": called, **{name: [] for name in called}})
    every = [f"GET /{number}" for number in range(20)]
    world.take(*(anomaly("gateway", 16.0, operation=name) for name in every))
    world.take(*(anomaly(name, 16.5, operation=operation) for operation in every for name in called))
    for name in ("gateway", *called):  # all of their executions are in operations that deviate
        world.take(progress(name, 19.0, operations=dict.fromkeys(every, 5), calls=called if name == "gateway" else ()))
    world.run(until_s=300.0)

    assert changes(world.told) == [("opened", "major"), ("updated", "critical"), ("resolved", "critical")]
    assert (world.told[-1].data.operation_count, len(world.told[-1].data.applications)) == (1_020, 51)
    assert "1020 operations of 51 applications" in world.told[-1].data.summary


def test_a_storm_over_applications_that_do_not_call_each_other_is_one_incident() -> None:
    world = World({f"app-{number}": [] for number in range(100)})
    for number in range(1_000):
        world.take(anomaly(f"app-{number % 100}", 16.0 + number / 1_000, operation=f"GET /{number}"))
    assert world.book.statistics()["open"] == 1
    world.run(until_s=300.0)

    assert [event.data.reason[:11] for event in world.told if event.type.endswith("resolved.v1")] == [
        "merged into",
        "quiet for 1",
    ]
    assert len(world.told) <= 5
    assert world.told[-1].data.operation_count == 1_000


@pytest.mark.parametrize("kinds", [("latency",), ("latency", "errors", "structure")])
@pytest.mark.parametrize("apart_s", [2.0, 5.0, 9.0])
def test_faults_that_follow_each_other_within_a_minute_are_no_storm(
    kinds: tuple[AnomalyKind, ...], apart_s: float
) -> None:
    world = World({f"app-{number}": [] for number in range(6)})
    for number in range(6):
        world.take(anomaly(f"app-{number}", 16.0 + apart_s * number, kind=kinds[number % len(kinds)]))

    assert changes(world.told) == [("opened", "major")] * 6
    assert len({event.subject for event in world.told}) == 6


def test_what_deviates_after_a_storm_is_another_incident() -> None:
    world = World({f"app-{number}": [] for number in range(5)})
    world.take(*(anomaly(f"app-{number}", 16.0) for number in range(4)))
    world.run(until_s=100.0)
    [other] = world.take(anomaly("app-4", 101.0))

    assert other.type.endswith("opened.v1")


def test_single_outliers_everywhere_are_no_storm() -> None:
    world = World({f"app-{number}": [] for number in range(50)}, IncidentSettings())
    world.take(*(anomaly(f"app-{number}", 16.0, "minor") for number in range(50)))

    assert world.run(until_s=300.0) == []
    assert world.told == []


def test_an_application_and_what_it_logs_are_one_incident() -> None:
    world = World({"shop": [], "shop logs": [], "bank logs": []})
    world.take(anomaly("shop", 16.0, kind="errors", signal="error_rate"))
    world.take(anomaly("shop logs", 20.0, kind="errors", signal="error_type"))
    world.take(anomaly("bank logs", 20.0, kind="errors", signal="error_type"))
    world.run(until_s=90.0)

    together = {tuple(event.data.applications) for event in world.told}
    assert world.book.statistics()["open"] == 2
    assert ("shop", "shop logs") in together
    assert ("bank logs",) in together
