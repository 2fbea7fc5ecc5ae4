"""Tunings: started over Kafka, listed with what came of them, given up."""

from typing import Any

import msgspec
import pytest

from tests.console.asking import NOW_S, Asking
from tests.console.store.reader.told import anomaly, incident, progress
from tests.console.telling import tell
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.feedback import Verdict
from tracehound.schemas.tuning import TuningResult, TuningTask, is_cancellation, read_tuning_result, read_tuning_task
from tracehound.streams.scoring.tuning.recorded import Recorded

WANTED: dict[str, Any] = {"application": "shop", "environment": "prod", "settings": {"least_sigma": [4.5, 5]}}


@pytest.fixture(autouse=True)
def known(console: Asking) -> None:
    tell(console.store, "progress", progress(0, 5))


def start(console: Asking, **more: Any) -> list[TuningTask]:
    """The tasks of one that is started, stored as the reader does."""
    answer = console.ask("POST", "/tunings", "operator", json=WANTED | more)
    assert answer.status_code == 202, answer.text
    values = [one.value for one in console.sender.records if one.topic == "tracehound.tuning-tasks.v1"]
    tell(console.store, "tuning_tasks", *values)
    tasks = [read_tuning_task(value) for value in values]
    return [one for one in tasks if one.tuning == answer.json()["id"]]


def result(task: TuningTask, **more: Any) -> bytes:
    given = {"id": task.id, "tuning": task.tuning, "number": task.number, "settings": task.settings, "state": "done"}
    return msgspec.json.encode(msgspec.convert({**given, "days": 2.0, "cpu_s": 3.6, **more}, TuningResult))


def test_it_is_started_with_a_task_for_each_candidate(console: Asking) -> None:
    answer = console.ask(
        "POST", "/tunings", "operator", json=WANTED | {"budget_cpu_s": 90.0, "since": "1970-01-02T00:00:00Z"}
    )
    told = answer.json()
    assert (told["state"], told["candidates"], told["budget_cpu_s"], told["since"]) == (
        *("waiting", 3, 90.0),
        "1970-01-02T00:00:00.000Z",
    )
    tasks = [read_tuning_task(one.value) for one in console.sender.records]
    assert [one.key for one in console.sender.records] == [task.id.encode() for task in tasks]
    assert [task.settings for task in tasks] == [{}, {"least_sigma": 4.5}, {"least_sigma": 5.0}]
    assert {(one.partition, one.first, one.last, one.results_from) for one in tasks} == {(2, 100, 900, 7)}
    assert {(one.since, one.most_cpu_s, one.candidates) for one in tasks} == {(86_400.0, 30.0, 3)}
    assert {(one.by, one.asked_at) for one in tasks} == {(console.keys["operator"].prefix, NOW_S)}


def test_what_came_of_it_is_told_as_it_comes(console: Asking) -> None:
    usual, better, worse = start(console)
    shown = console.get(f"/tunings/{usual.tuning}")
    assert shown["state"] == "waiting"
    tell(console.store, "tuning_results", result(usual, anomalies=9, outside=8, outside_a_day=4.0))
    assert (console.get(f"/tunings/{usual.tuning}")["state"], console.get("/tunings")["items"][0]["progress"]) == (
        "running",
        pytest.approx(1 / 3),
    )
    tell(console.store, "tuning_results", result(better, anomalies=3, outside=2), result(worse, state="cut", outside=1))
    shown = console.get(f"/tunings/{usual.tuning}")
    assert (shown["state"], shown["tried"], shown["cpu_s"]) == ("ended", 3, pytest.approx(10.8))
    assert shown["money"] == pytest.approx(0.05 * 10.8 / 3_600.0)
    results = console.get(f"/tunings/{usual.tuning}/results")
    assert results["best"] == 1
    assert [(one["number"], one["state"], one["best"]) for one in results["items"]] == [
        *((0, "done", False), (1, "done", True)),
        (2, "cut", False),
    ]
    assert [one["anomalies_a_day"] for one in results["items"]] == [4.5, 1.5, 0.0]


def test_a_result_that_comes_again_or_before_its_task_counts_once(console: Asking) -> None:
    given = {"id": "t-0", "tuning": "t", "number": 0, "application": "shop", "settings": {}, "most_cpu_s": 1.0}
    task = msgspec.convert(given | {"partition": 0, "first": 0, "last": 1, "expires_at": 9e9}, TuningTask)
    tell(console.store, "tuning_results", result(task), result(task, cpu_s=99.0))
    assert console.ask("GET", "/tunings/t").status_code == 404
    tell(console.store, "tuning_tasks", msgspec.json.encode(task))
    shown = console.get("/tunings/t")
    assert (shown["candidates"], shown["tried"], shown["state"], shown["cpu_s"]) == (1, 1, "ended", 3.6)


def test_one_is_given_up_once(console: Asking) -> None:
    first, *_ = start(console)
    path = f"/tunings/{first.tuning}"
    answer = console.ask("POST", f"{path}/cancel", "operator")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    record = console.sender.records[-1]
    said = read_tuning_result(record.value)
    assert (record.topic, said.tuning, is_cancellation(said)) == ("tracehound.tuning-results.v1", first.tuning, True)
    tell(console.store, "tuning_results", record.value, result(first, state="cancelled"))
    assert (console.get(path)["state"], console.get(path)["tried"]) == ("cancelled", 1)
    assert console.ask("POST", f"{path}/cancel", "operator").status_code == 409


def test_one_that_nobody_takes_expires(console: Asking) -> None:
    first, *_ = start(console, timeout_s=60)
    console.now_s[0] += 61.0
    assert console.get(f"/tunings/{first.tuning}")["state"] == "expired"


def test_incidents_and_anomalies_that_people_confirmed_are_to_be_found(console: Asking) -> None:
    tell(console.store, "severity", incident("one", 0, "opened"), incident("one", 5, "resolved"))
    tell(console.store, "anomalies", anomaly(3), anomaly(500), anomaly(900))
    said = [
        ("one", "confirmed"),
        ("anomaly-3", "confirmed"),
        ("anomaly-500", "confirmed"),
        ("anomaly-900", "false_positive"),
    ]
    tell(console.store, "feedback", *(msgspec.json.encode(Verdict(who, what, NOW_S)) for who, what in said))  # type: ignore[arg-type]
    first, *_ = start(console)
    assert [(one.start - NOW_S, one.end - NOW_S) for one in first.confirmed] == [(0.0, 5.0), (440.0, 500.0)]
    given, *_ = start(console, confirmed=[{"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"}])
    assert [(one.start - NOW_S, one.end - NOW_S) for one in given.confirmed] == [(0.0, 60.0)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"settings": {"least_sigma": [99.0]}}, "The setting 'least_sigma' must be from 3 to 40. Got 99.0 instead."),
        ({"settings": {"partitions": [8]}}, "Got 'partitions' instead."),
        ({"settings": {}}, "settings"),
        ({"settings": {"least_sigma": []}}, "least_sigma"),
        ({"budget_cpu_s": 5.0, "budget_money": 1.0}, "either of 'budget_cpu_s' and 'budget_money'"),
        ({"since": "1h", "until": "2h"}, "must end after it begins"),
        ({"confirmed": [{"start": "1h", "end": "2h"}]}, "must end after it begins"),
        ({"most": 501}, "most"),
    ],
)
def test_what_cannot_be_tried_is_refused_at_once(console: Asking, wrong: dict[str, Any], sentence: str) -> None:
    answer = console.ask("POST", "/tunings", "operator", json=WANTED | wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert sentence in answer.json()["detail"]
    assert console.sender.records == []


def test_of_what_nothing_is_known_or_recorded_nothing_can_be_tried(console: Asking) -> None:
    assert console.ask("POST", "/tunings", "operator", json=WANTED | {"application": "none"}).status_code == 404
    console.recordings.found = Recorded(0, 5, 5, 0)
    assert console.ask("POST", "/tunings", "operator", json=WANTED).status_code == 409
    console.recordings.found = BrokerError("Kafka is away.")
    answer = console.ask("POST", "/tunings", "operator", json=WANTED)
    assert (answer.status_code, answer.json()["reason"]) == (503, "kafka_away")


def test_a_budget_in_money_is_of_the_price_of_a_cpu(console: Asking) -> None:
    first, *_ = start(console, budget_money=0.05)
    assert first.most_cpu_s == pytest.approx(1_200.0)
    assert console.get(f"/tunings/{first.tuning}")["budget_money"] == pytest.approx(0.05)
