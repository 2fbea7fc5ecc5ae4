"""What an event says: a sentence with numbers, lists of bounded length, releases, and ids that follow from content."""

import msgspec

from tests.detectors.incidents.records import World, anomaly, released
from tracehound.schemas.codec import encode
from tracehound.schemas.incident import IncidentEvent


def test_the_summary_has_the_numbers_of_the_gravest_anomaly_and_counts() -> None:
    world = World({"shop": ["stock"], "stock": []})
    world.take(anomaly("shop", 16.0), anomaly("stock", 17.0, operation="GET /stock"))
    [told] = world.take(anomaly("stock", 18.0, "critical", kind="errors", reason="About 60 % of GET / failed."))

    assert told.data.summary == ("stock: About 60 % of GET / failed (3 anomalies in 3 operations of shop and stock).")
    assert [one.severity for one in told.data.top_anomalies] == ["critical", "major", "major"]
    assert told.data.suspected_cause is not None
    assert told.data.suspected_cause.application in ("shop", "stock")


def test_hostile_text_stays_text_of_bounded_length() -> None:
    world = World({})
    hostile = "<script>alert(1)</script>\n@channel\x1b[2J" + "x" * 5_000
    [told] = world.take(anomaly("shop\n", 16.0, operation="<b>", reason=hostile))

    assert "<script>alert(1)</script> @channel" in told.data.summary
    assert len(told.data.summary) < 1_000
    assert msgspec.json.decode(encode(told), type=IncidentEvent) == told


def test_lists_are_bounded_and_hold_what_has_most() -> None:
    world = World({"shop": []})
    for number in range(30):
        world.take(*(anomaly("shop", 16.0 + n / 100, operation=f"GET /{number}") for n in range(1 + number)))
    [resolved] = world.run(until_s=200.0)

    assert [one.anomalies for one in resolved.data.operations] == list(range(30, 10, -1))
    assert resolved.data.operation_count == 30
    assert resolved.data.anomaly_count == 30 * 31 // 2


def test_releases_shortly_before_are_listed() -> None:
    world = World({"shop": ["stock"], "stock": []})
    world.take(released("shop", "1.0", 0.0), released("shop", "1.1", 3_000.0), released("stock", "2.0", 3_100.0))
    world.take(released("shop", "1.1", 3_000.0))
    world.run(until_s=3_200.0)
    [told] = world.take(anomaly("shop", 3_200.0))

    assert [(one.application, one.version) for one in told.data.releases] == [("shop", "1.1")]


def test_ids_follow_from_content() -> None:
    def told() -> list[IncidentEvent]:
        world = World({"shop": []})
        world.take(anomaly("shop", 16.0))
        world.run(until_s=200.0)
        return world.told

    assert [event.id for event in told()] == [event.id for event in told()]
    assert len({event.id for event in told()}) == 2


def test_another_suspect_is_told_once_it_leads_clearly() -> None:
    world = World({"gateway": ["shop", "cart"], "shop": ["stock"], "cart": ["stock"], "stock": []})
    world.ongoing = {"shop": {"shop//latency/GET /"}}
    world.take(anomaly("shop", 16.0, signal="call_gap_ms", about="calls to stock"))
    [first] = world.told
    assert first.data.suspected_cause is not None
    for at_s in (20.0, 21.0, 22.0):
        world.take(anomaly("shop", at_s, "minor", operation="GET /b", signal="self_ms"))
    assert world.run(until_s=70.0) == [], "suspects are compared a minute after people were told"
    [changed] = world.run(until_s=90.0)
    assert changed.data.suspected_cause is not None
    assert (first.data.suspected_cause.application, changed.data.suspected_cause.application) == ("stock", "shop")
    assert changed.data.reason == "the cause is now suspected in shop"
    assert world.run(until_s=240.0) == []


def test_nothing_is_told_again_while_the_suspect_is_the_same() -> None:
    world = World({"shop": ["stock"], "stock": []})
    world.ongoing = {"shop": {"shop//latency/GET /"}}
    world.take(anomaly("shop", 16.0))
    assert world.run(until_s=290.0) == []
