"""Training over HTTP: what runs took beside their estimates, what one would take, and one that is started."""

from typing import Any

import msgspec
import pytest

from tests.console.asking import NOW_S, Asking
from tests.console.store.reader.told import BEGIN_S
from tests.console.telling import tell
from tracehound.console.training.estimate import cost_model
from tracehound.console.training.started import TRAINED
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.control import read_control
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.model_event import MODEL_EVENT_TYPES, ModelChange, ModelEvent, ModelEventKind, TrainingCost
from tracehound.schemas.progress import Progress

DAY_S = 86_400.0


def event(
    name: str, change: ModelEventKind, at_s: float, learned: int, application: str = "shop", **more: Any
) -> bytes:
    data = ModelChange(application, "", "", "isolation-forest", change, learned, 0, f"{name}.")
    data = msgspec.structs.replace(data, **more)
    return encode(ModelEvent(name, "tracehound", MODEL_EVENT_TYPES[change], application, rfc3339(at_s), data))


def cost(samples: int, cpu_s: float | None = None) -> TrainingCost:
    took = 0.002 + 1e-6 * samples if cpu_s is None else cpu_s
    return TrainingCost(took, 2.0 * took, samples, 100_000, 5, "on schedule")


def runs(count: int = 20, application: str = "shop") -> list[bytes]:
    """Runs a quarter of a day apart, on 300 samples, 400 and so on."""
    return [
        event(
            f"{application}-{number}", "trained", BEGIN_S + number * DAY_S / 4, 1_000 * number, application,
            cost=cost(300 + 100 * number),
        )
        for number in range(count)
    ]  # fmt: skip


def progress(executions: int, at_s: float = BEGIN_S, application: str = "shop") -> bytes:
    return encode(Progress(application, "", rfc3339(at_s), executions, 0, 0, {"GET /": executions}))


def test_runs_are_told_with_their_price_and_what_was_estimated_of_them(console: Asking) -> None:
    tell(console.store, "models", *runs(), event("failed", "training_failed", BEGIN_S, 5))
    items = console.get("/training/runs")["items"]
    assert [run["id"] for run in items] == [f"shop-{number}" for number in reversed(range(20))]
    newest, oldest = items[0], items[-1]
    assert (newest["samples"], newest["features"], newest["why"], newest["learned"]) == (
        2_200,
        5,
        "on schedule",
        19_000,
    )
    assert newest["money"] == pytest.approx(newest["cpu_s"] / 3_600 * 0.05 + 1e5 / 1e9 * 0.10)
    assert newest["currency"] == "USD"
    assert newest["estimate_error_share"] < 0.01
    assert oldest["estimated_cpu_s"] == pytest.approx(cost_model([]).cpu_s(300))
    assert oldest["estimate_error_share"] == pytest.approx(abs(oldest["estimated_cpu_s"] / oldest["cpu_s"] - 1.0))
    page = console.get("/training/runs", limit=7)
    assert [run["id"] for run in page["items"]] == [f"shop-{number}" for number in reversed(range(13, 20))]
    assert console.get("/training/runs", application="bank")["items"] == []
    assert console.ask("GET", "/training/runs?format=csv").text.startswith("id,time,application,")


def test_totals_are_by_application_detector_and_day(console: Asking) -> None:
    tell(console.store, "models", *runs(8), *runs(4, "bank"))
    told = console.get("/training/totals")
    assert [(one["of"], one["runs"]) for one in told["items"]] == [("shop", 8), ("bank", 4)]
    shop = told["items"][0]
    assert shop["cpu_s"] == pytest.approx(sum(0.002 + 1e-6 * (300 + 100 * n) for n in range(8)))
    assert (shop["samples"], shop["model_bytes"]) == (sum(300 + 100 * n for n in range(8)), 800_000)
    for name in ("runs", "cpu_s", "wall_s", "samples", "model_bytes", "money"):
        assert told["total"][name] == pytest.approx(sum(one[name] for one in told["items"]))
    days = console.get("/training/totals", by="day", application="shop")["items"]
    assert [(one["of"], one["runs"]) for one in days] == [
        (rfc3339(BEGIN_S), 4),
        (rfc3339(BEGIN_S + DAY_S), 4),
    ]
    assert [one["of"] for one in console.get("/training/totals", by="model")["items"]] == ["isolation-forest"]
    empty = console.get("/training/totals", since=rfc3339(BEGIN_S + 99 * DAY_S))
    assert (empty["items"], empty["total"]["runs"], empty["total"]["money"]) == ([], 0, 0.0)


def test_what_it_would_take_is_told_with_its_error(console: Asking) -> None:
    tell(console.store, "models", *runs())
    tell(console.store, "progress", progress(900), progress(90_000, application="bank"))
    told = console.get("/training/estimate", application="shop")
    assert [(one["application"], one["samples"]) for one in told["items"]] == [("shop", 900)]
    assert told["cpu_s"] == pytest.approx(0.0029, rel=0.01)
    assert told["wall_s"] == pytest.approx(0.0058, rel=0.01)
    assert (told["trainings"], told["measured_runs"], told["after_executions"]) == (1, 20, 1_024)
    assert told["error_share_median"] <= told["error_share_p90"] < 0.6
    everything = console.get("/training/estimate")
    assert [(one["application"], one["samples"]) for one in everything["items"]] == [("bank", 2_000), ("shop", 900)]
    assert everything["money"] == pytest.approx(sum(one["money"] for one in everything["items"]))
    assert console.ask("GET", "/training/estimate?application=nobody").status_code == 404


def test_without_measured_runs_the_reference_is_the_estimate_and_no_error_is_claimed(console: Asking) -> None:
    tell(console.store, "progress", progress(900))
    told = console.get("/training/estimate", application="shop")
    assert told["cpu_s"] == pytest.approx(cost_model([]).cpu_s(900))
    assert (told["measured_runs"], told["error_share_median"], told["error_share_p90"]) == (0, None, None)


def test_operators_start_training_of_one_or_many_and_it_is_in_the_audit(console: Asking) -> None:
    tell(console.store, "progress", progress(900), progress(5, application="bank"))
    wanted = {"applications": [{"application": "shop"}, {"application": "bank"}, {"application": "shop"}]}
    assert console.ask("POST", "/training", "viewer", json=wanted).status_code == 403
    answer = console.ask("POST", "/training", "operator", json=wanted)
    assert (answer.status_code, answer.json()["trainings"]) == (202, 2)
    assert {one.topic for one in console.sender.records} == {"tracehound.control.v1"}
    controls = [read_control(one.value) for one in console.sender.records]
    assert [one.key for one in console.sender.records] == [b"shop", b"bank"]
    assert [(one.verb, one.application, one.asked_at) for one in controls] == [
        ("refit", "shop", NOW_S),
        ("refit", "bank", NOW_S),
    ]
    assert controls[0].by == console.keys["operator"].prefix
    [change] = console.ask("GET", "/audit").json()["items"]
    assert (change["path"], change["detail"]["applications"]) == ("/api/v1/training", 2)
    nobody = console.ask("POST", "/training", "operator", json={"applications": [{"application": "nobody"}]})
    assert (nobody.status_code, len(console.sender.records)) == (404, 2)


def test_what_was_started_says_how_far_it_is(console: Asking) -> None:
    asked = event("asked", "training", BEGIN_S, 500, needed=1_024)
    tell(console.store, "models", asked)
    [waiting] = console.get("/training/started")["items"]
    assert (waiting["state"], waiting["progress"], waiting["needed"]) == ("waiting", 0.0, 1_024)
    tell(console.store, "progress", progress(256, BEGIN_S + 30.0))
    assert console.get("/training/started")["items"][0]["progress"] == 0.25
    earlier = event("earlier", "trained", BEGIN_S + 1.0, 400, cost=cost(300))
    tell(console.store, "models", earlier)
    assert console.get("/training/started")["items"][0]["state"] == "waiting"
    tell(console.store, "models", event("done", "trained", BEGIN_S + 60.0, 500, cost=cost(500)))
    [trained] = console.get("/training/started", application="shop")["items"]
    assert (trained["state"], trained["progress"], trained["sentence"]) == ("trained", 1.0, "done.")
    tell(console.store, "models", event("none", "training_failed", BEGIN_S + 90.0, 0, "new", model="all"))
    [failed, _] = console.get("/training/started")["items"]
    assert (failed["application"], failed["state"], failed["sentence"]) == ("new", "failed", "none.")


def test_models_that_were_reset_meanwhile_are_not_waited_for(console: Asking) -> None:
    reset = event("reset", "reset", BEGIN_S + 5.0, 0, model="all")
    tell(console.store, "models", event("asked", "training", BEGIN_S, 500, needed=1_024), reset)
    [failed] = console.get("/training/started")["items"]
    assert (failed["state"], failed["sentence"]) == ("failed", "reset.")


def test_the_detectors_that_are_trained_are_those_that_are_refitted() -> None:
    assert set(TRAINED) == set(Ensemble(DetectionSettings()).refitted())
