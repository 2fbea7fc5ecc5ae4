"""Incidents: each as it is now, its timeline, what it is made of, its cause and the way from there."""

import json

import msgspec

from tests.console.asking import Asking
from tests.console.store.reader.told import BEGIN_S, anomaly, incident
from tests.console.telling import tell
from tracehound.console.incidents.cause import cause_of
from tracehound.schemas.call_graph import Call, CallGraph
from tracehound.schemas.codec import encode
from tracehound.schemas.incident import IncidentEvent


def fill(console: Asking) -> list[bytes]:
    told = [
        incident("first", 0, "opened", ("stock",)),
        incident("first", 1, "updated", ("stock", "shop")),
        incident("second", 3, "opened", ("bank",)),
        incident("first", 2, "resolved", ("stock", "shop")),
    ]
    tell(console.store, "severity", *told)
    return told


def test_an_incident_is_told_as_it_is_now_with_its_life(console: Asking) -> None:
    told = fill(console)
    assert console.ask("GET", "/incidents/first").content == told[3]
    timeline = console.get("/incidents/first/timeline")["items"]
    assert timeline == [json.loads(one) for one in (told[0], told[1], told[3])]
    for path in ("", "/timeline", "/cause", "/anomalies"):
        assert console.ask("GET", f"/incidents/third{path}", "viewer").status_code == 404


def test_incidents_are_found_by_what_they_are(console: Asking) -> None:
    fill(console)

    def names(**asked: object) -> list[str]:
        return [one["data"]["incident_id"] for one in console.get("/incidents", **asked)["items"]]

    assert names() == ["second", "first"]
    assert names(sort="updated") == ["first", "second"]
    assert names(state="open") == ["second"]
    assert names(state=["resolved", "persisting"]) == ["first"]
    assert names(application="shop") == ["first"]
    assert names(kind="latency") == names(kind=["errors", "latency"]) == ["second", "first"]
    assert names(kind="errors") == []
    assert names(severity="critical") == names(environment="test") == names(since="2026-01-01T00:00:01Z") == []
    for sort in ("-opened", "opened", "-updated", "updated", "-severity", "severity"):
        page = console.get("/incidents", sort=sort, limit=1)
        rest = console.get("/incidents", sort=sort, limit=1, cursor=page["next"])
        assert [one["data"]["incident_id"] for one in page["items"] + rest["items"]] == names(sort=sort)


def test_the_anomalies_of_an_incident_are_those_of_its_applications_while_it_lasted(console: Asking) -> None:
    fill(console)
    tell(console.store, "anomalies", *(anomaly(number, ("shop", "bank")[number % 2]) for number in range(6)))
    found = console.get("/incidents/first/anomalies")["items"]
    assert [one["id"] for one in found] == ["anomaly-0", "anomaly-2"]


def test_the_path_leads_from_the_cause_to_where_people_notice_it(console: Asking) -> None:
    fill(console)
    call = Call(int(BEGIN_S), "GET /cart", "stock", "GET /stock", 3)
    other = Call(int(BEGIN_S), "GET /cart", "bank", "POST /pay", 3)
    tell(console.store, "call_graph", encode(CallGraph("1", "shop", "prod", [call, other])))
    cause = console.get("/incidents/first/cause")
    assert cause["suspected_cause"]["application"] == "stock"
    assert [[step["application"] for step in path] for path in cause["paths"]] == [["stock", "shop"]]


def test_paths_end_where_nobody_calls_and_circles_end_nowhere() -> None:
    event = msgspec.json.decode(incident("one", 0, "opened", ("db", "a", "b", "front", "other")), type=IncidentEvent)
    calls = [("a", "db"), ("b", "db"), ("front", "a"), ("front", "b"), ("db", "db"), ("stranger", "front")]
    found = cause_of(event.data, calls)
    assert [[step.application for step in path] for path in found.paths] == [["db", "a", "front"]]
    assert cause_of(event.data, [("a", "db"), ("db", "a")]).paths == []


def test_the_path_begins_at_a_cause_that_tells_nothing_of_itself() -> None:
    event = msgspec.json.decode(incident("one", 0, "opened", ("db", "shop")), type=IncidentEvent)
    event.data.applications = ["shop"]
    found = cause_of(event.data, [("shop", "db"), ("shop", "other"), ("other", "shop")])
    assert [[(step.application, step.anomalies) for step in path] for path in found.paths] == [[("db", 0), ("shop", 0)]]
