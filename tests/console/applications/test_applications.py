"""Applications with their health, progress over time, versions and models; and who calls whom."""

import msgspec

from tests.console.asking import Asking
from tests.console.store.reader.told import BEGIN_S, call, call_graph, incident, model_event, progress
from tests.console.telling import tell
from tracehound.schemas.call_graph import Call
from tracehound.schemas.model_event import ModelEvent, TrainingCost


def fill(console: Asking) -> None:
    tell(console.store, "progress", progress(0, 100, errors=10), progress(30, 20), progress(90, 60))
    tell(console.store, "progress", progress(5, 7, "a/b c"))
    tell(console.store, "severity", incident("one", 0, "opened"), incident("two", 1, "resolved", ("a/b c",)))


def test_each_has_its_health(console: Asking) -> None:
    fill(console)
    items = console.get("/applications")["items"]
    assert [(one["application"], one["health"], one["open_incidents"]) for one in items] == [
        ("a/b c", "ok", 0),
        ("shop", "major", 1),
    ]
    first = console.get("/applications", limit=1)
    assert console.get("/applications", limit=1, cursor=first["next"])["items"] == items[1:]
    shop = console.get("/applications/shop", environment="prod")
    assert shop == items[1]
    assert (shop["executions"], shop["errors"], shop["scored_through"]) == (180, 10, "2026-01-01T00:01:30.000Z")
    assert console.ask("GET", "/applications/shop").status_code == 404  # of no environment


def test_a_slash_in_a_name_is_part_of_it(console: Asking) -> None:
    fill(console)
    found = console.ask("GET", "/applications/a%2Fb%20c?environment=prod", "viewer")
    assert found.json()["application"] == "a/b c"
    assert console.ask("GET", "/applications/a%2Fb%20c/progress?environment=prod").status_code == 200
    for hostile in ("a/b c", "%00", "a%2F..%2Fb", "%2e%2e", "%ff", "a%252Fb"):
        assert console.ask("GET", f"/applications/{hostile}?environment=prod").status_code == 404


def test_progress_is_added_up_by_steps(console: Asking) -> None:
    fill(console)
    path = "/applications/shop/progress"
    points = console.get(path, environment="prod")["items"]
    assert [(one["start"], one["executions"], one["error_share"]) for one in points] == [
        ("2026-01-01T00:01:00.000Z", 60, 0.0),
        ("2026-01-01T00:00:00.000Z", 120, 10 / 120),
    ]
    (point,) = console.get(path, environment="prod", step_minutes=5)["items"]
    assert (point["executions"], point["per_second"]) == (180, 0.6)
    assert len(console.get(path, environment="prod", since="2026-01-01T00:01:00Z")["items"]) == 1


def test_models_are_as_the_last_that_was_told_of_them(console: Asking) -> None:
    told = [
        model_event(0, "warming"),
        model_event(1, "ready"),
        model_event(2, "trained", TrainingCost(2.5, 3.0, 500, 9)),
    ]
    drift = msgspec.json.decode(model_event(3, "drift"), type=ModelEvent)
    release = msgspec.json.decode(model_event(4, "release"), type=ModelEvent)
    release.data.version = "1.4"
    tell(console.store, "models", *told, msgspec.json.encode(drift), msgspec.json.encode(release))
    models = console.get("/models", application="shop", environment="prod")
    (model,) = models["items"]
    assert models["ready"] is True
    assert (model["state"], model["cpu_s"], model["model_bytes"]) == ("ready", 2.5, 9)
    assert [one["data"]["change"] for one in console.get("/models/events")["items"]] == [
        *("release", "drift", "trained", "ready", "warming"),
    ]
    assert [one["id"] for one in console.get("/models/drift")["items"]] == ["model-3"]
    assert console.get("/models/events", change=["trained", "ready"], limit=1)["next"] is not None
    tell(console.store, "progress", progress(0, 1))
    versions = console.get("/applications/shop/versions", environment="prod")["items"]
    assert [one["version"] for one in versions] == ["1.4"]
    assert console.get("/models", application="nobody") == {"items": [], "ready": False}


def test_the_call_graph_is_added_up(console: Asking) -> None:
    timed = Call(int(BEGIN_S), "GET /cart", "bank", "POST /pay", 4, 1, 40.0, 2, 24.0, 20.0)
    tell(console.store, "call_graph", call_graph("1", call(6), call(4, 300), timed))
    edges = console.get("/call-graph")["edges"]
    assert [(one["peer"], one["calls"], one["errors"], one["mean_ms"], one["call_gap_ms"]) for one in edges] == [
        ("stock", 10, 2, 10.0, None),
        ("bank", 4, 1, 10.0, 2.0),
    ]
    assert len(console.get("/call-graph", application="bank")["edges"]) == 1
    assert (
        console.get("/call-graph", application="bank", by_operation=True)["edges"][0]["peer_operation"] == "POST /pay"
    )
    assert [one["calls"] for one in console.get("/call-graph", since="2026-01-01T00:05:00Z")["edges"]] == [4]
