"""Commands that ask the console, against a real one: what they tell people and programs."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.console.asking import Asking
from tests.console.pages.shop import fill
from tests.console.store.reader.told import anomaly, incident, model_event, scored_log
from tests.console.telling import tell
from tracehound.schemas.model_event import TrainingCost
from tracehound.scripts.cli import main
from tracehound.streams.settings.settings import CONSOLE_KEY


def said(*arguments: str, status: int = 0, typed: str = "") -> Result:
    result = CliRunner().invoke(main, arguments, input=typed)
    assert result.exit_code == status, result.output
    return result


def told(*arguments: str) -> Any:
    return json.loads(said(*arguments, "--json").stdout)


@pytest.fixture
def as_admin(console: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONSOLE_KEY, console.keys["admin"].key)


def test_incidents_come_from_the_console_where_one_is_named(console: Asking) -> None:
    tell(console.store, "severity", incident("over", 0, "opened"), incident("over", 1, "resolved"))
    tell(console.store, "severity", *(incident("open-one", number, "updated", ("shop", "stock")) for number in (1, 2)))
    (open_one,) = told("incidents", "list")["items"]
    assert open_one == console.get("/incidents/open-one")
    assert len(told("incidents", "list", "--all")["items"]) == 2
    assert told("incidents", "list", "--until", "2000-01-01T00:00:00Z")["items"] == []
    assert told("incidents", "list", "--severity", "critical")["items"] == []
    assert said("incidents", "list").stdout.splitlines() == [
        "open-one  MAJOR     open        2026-01-01T00:00:00.000Z (prod)  open-one is slow",
        "1 incidents.",
    ]
    assert told("incidents", "show", "open")["items"] == console.get("/incidents/open-one/timeline")["items"]
    shown = said("incidents", "show", "open").stdout
    assert "suspected cause: shop: It explains 80 %." in shown
    assert shown.count("updated; ") == 2
    assert "no id of an incident" in said("incidents", "show", "nothing", status=7).stderr


def test_models_drift_and_cost(console: Asking) -> None:
    cost = TrainingCost(0.25, 0.5, 1_000, 80_000, 4, "on schedule")
    tell(console.store, "models", model_event(1, cost=cost), model_event(2, "ready"), model_event(3, "drift"))
    where = {"application": "shop", "environment": "prod"}
    assert told("models", "show", "shop", "--environment", "prod") == console.get("/models", **where)
    shown = said("models", "show", "shop", "--environment", "prod").stdout
    assert "forest" in shown
    assert "All of them are ready." in shown
    assert "knows no models of 'nobody'" in said("models", "show", "nobody", status=7).stderr

    assert told("drift")["items"] == console.get("/models/drift")["items"]
    assert "It was trained." in said("drift", "--application", "shop").stdout
    assert told("drift", "--application", "bank")["items"] == []

    assert told("cost") == console.get("/training/totals")
    assert told("cost", "--runs")["items"] == console.get("/training/runs")["items"]
    lines = said("cost").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["application", "shop", "in"]
    assert "0.25" in said("cost", "--runs").stdout


def test_operations_and_logs(console: Asking) -> None:
    assert told("operations")["items"] == []
    assert "There is no operation" in said("operations", "shop", "GET /", status=7).stderr
    tell(console.store, "scored_logs", scored_log(1), scored_log(2, "all is well", "info"))
    console.now_s[0] += 60.0
    assert told("logs", "CPU", "spike")["items"] == console.get("/logs", words="CPU spike")["items"]
    assert [one["id"] for one in told("logs", "--level", "warning")["items"]] == ["log-1"]
    assert "all is well" in said("logs").stdout
    templates = told("logs", "--templates", "--since", "2025-12-01T00:00:00Z")["items"]
    assert [(one["template_id"], one["count"]) for one in templates] == [("3", 2)]
    assert "all is well" in said("logs", "--templates", "--since", "2025-12-01T00:00:00Z").stdout
    assert "--templates goes with" in said("logs", "CPU", "--templates", status=2).stderr


@pytest.mark.usefixtures("as_admin")
def test_a_key_is_made_used_and_taken_back(console: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    made = said("keys", "add", "grafana", "--role", "operator", "--expires-in", "90d")
    key = made.stdout.strip()
    assert made.stdout == f"{key}\n"
    assert "operator, good until 2026-04-01" in made.stderr
    monkeypatch.setenv(CONSOLE_KEY, key)
    assert said("apps").exit_code == 0
    assert said("keys", "list", status=6).stderr.startswith("tracehound: ")
    monkeypatch.setenv(CONSOLE_KEY, console.keys["admin"].key)
    (listed,) = (one for one in told("keys", "list")["items"] if one["name"] == "grafana")
    assert key.startswith(listed["prefix"])
    assert listed["prefix"] in said("keys", "list").stdout
    assert "Take back the key" in said("keys", "revoke", listed["prefix"], status=1, typed="n\n").stdout
    said("keys", "revoke", listed["prefix"], "--yes")
    said("keys", "revoke", "th_00000000", "--yes", status=7)
    monkeypatch.setenv(CONSOLE_KEY, key)
    said("apps", status=6)


@pytest.mark.usefixtures("as_admin")
def test_a_verdict_is_given_once_it_is_said_what_it_silences(console: Asking) -> None:
    fill(console.store)
    (event,) = console.get("/anomalies")["items"]
    given = ("feedback", event["id"][:9], "false_positive")
    previewed = said(*given, "--preview").stdout
    assert "would have silenced 1 anomaly" in previewed
    assert not console.sender.records
    said(*given, status=1, typed="n\n")
    assert not console.sender.records
    said(*given, typed="y\n")
    answer = told(*given, "--yes", "--note", "a sale")
    assert json.loads(console.sender.records[-1].value) == answer["verdict"]
    assert (answer["verdict"]["note"], answer["preview"]["silenced"]) == ("a sale", 1)
    assert len(console.sender.records) == 2
    assert "forgotten" in said(*given, "--withdraw").stdout
    assert "--by is for Kafka" in said(*given, "--by", "me", status=2).stderr
    said("feedback", "nothing", "confirmed", status=7)


@pytest.mark.usefixtures("as_admin")
def test_text_of_others_steers_no_terminal(console: Asking) -> None:
    hostile = "shop\x1b]0;owned\x07\u202e[bold]"
    fill(console.store, hostile)
    tell(console.store, "anomalies", anomaly(1))
    commands = (
        ["incidents", "list"],
        ["incidents", "show", console.get("/incidents")["items"][0]["data"]["incident_id"]],
        ["drift"],
        ["models", "show", "shop", "--environment", "prod"],
        ["logs"],
        ["keys", "list"],
        ["operations"],
        ["train", "--estimate"],
        ["models", "show", hostile],
    )
    for arguments in commands:
        for result in (CliRunner().invoke(main, arguments), CliRunner().invoke(main, [*arguments, "--json"])):
            assert not {"\x1b", "\x07", "\u202e"} & set(result.output)
