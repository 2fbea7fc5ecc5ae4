"""The server that assistants speak to, asked by the SDK's own client, over a real console."""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent

from tests.checkout import PROJECT
from tests.console.asking import Asking as Console
from tests.console.pages.shop import fill
from tests.console.store.reader.told import anomaly, incident, scored_log
from tests.console.telling import tell
from tracehound.scripts.assistants.asking import Asking
from tracehound.scripts.assistants.server import build_server
from tracehound.scripts.console.client import ConsoleClient, console_client
from tracehound.streams.settings.settings import CONSOLE_KEY, CONSOLE_URL

LEAST = 2_000
SEES: dict[str, Any] = {"application": "shop", "environment": "prod"}


def asked(
    talk: Callable[[Client], Awaitable[Any]],
    client: ConsoleClient | None = None,
    most: int = LEAST,
    may_judge: bool = False,
) -> Any:
    """What comes of a talk with the server."""
    server = build_server(Asking(client or console_client(), most), may_judge)

    async def talking() -> Any:
        async with Client(server) as one:
            return await talk(one)

    return anyio.run(talking)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def told(name: str, most: int = LEAST, **arguments: Any) -> Any:
    result: CallToolResult = asked(lambda one: one.call_tool(name, arguments), most=most, may_judge=True)
    text = text_of(result)
    assert not result.is_error, text
    assert len(text.encode()) <= most
    return json.loads(text)


def problem(name: str, client: ConsoleClient | None = None, **arguments: Any) -> Mapping[str, Any]:
    result: CallToolResult = asked(lambda one: one.call_tool(name, arguments), client)
    assert result.is_error
    found: Mapping[str, Any] = json.loads(text_of(result))
    return found


def all_items(name: str, **arguments: Any) -> list[Any]:
    """Every item, answer after answer; each of them moves on."""
    found, cursor = [], None
    while True:
        answer = told(name, **arguments, cursor=cursor)
        assert answer["items"] or answer["next"] is None
        found += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return found


def test_every_tool_says_what_it_does_and_changes_nothing_unless_permitted() -> None:
    nobody = ConsoleClient("http://127.0.0.1:1", "")
    reading = {one.name: one for one in asked(lambda client: client.list_tools(), nobody).tools}
    permitted = {one.name: one for one in asked(lambda client: client.list_tools(), nobody, may_judge=True).tools}
    assert permitted.keys() - reading.keys() == {"give_feedback"}
    for name, tool in permitted.items():
        assert len(tool.description) > 40
        assert tool.annotations.read_only_hint is (name != "give_feedback")
        assert tool.input_schema["type"] == "object"
    assert asked(lambda client: client.call_tool("give_feedback", {}), nobody).is_error


def test_every_tool_answers(console: Console) -> None:
    fill(console.store)
    tell(console.store, "scored_logs", *(scored_log(number) for number in (40, 41)))
    console.now_s[0] += 60.0
    (event,) = console.get("/anomalies")["items"]
    (happened,) = console.get("/incidents")["items"]
    incident_id = happened["data"]["incident_id"]

    assert [one["application"] for one in told("list_applications")["items"]] == ["shop", "stock"]
    assert told("list_applications", environment="nowhere") == {"items": [], "next": None}
    shop = told("get_application", most=24_000, **SEES, since="3650d")
    assert shop["health"] == "major"
    assert shop["versions"][0]["version"] == "shop"
    assert shop["progress"][0]["executions"] == 600
    assert told("list_operations") == {"items": [], "next": None}
    assert told("show_models", **SEES)["items"][0]["model"] == "forest"
    assert {one["change"] for one in told("list_model_events", **SEES)["items"]} == {"release", "trained"}
    assert told("list_drift") == {"items": [], "next": None}
    assert told("list_logs", words="spike", level=["warning"])["items"][0]["severity"] == "minor"
    (template,) = told("list_log_templates", since="2025-12-01T00:00:00Z")["items"]
    assert (template["template"], template["count"]) == ("CPU spike detected", 3)

    assert told("list_incidents", state=["open"])["items"][0]["incident_id"] == incident_id
    assert told("get_incident", incident_id=incident_id)["cause"] == console.get(f"/incidents/{incident_id}/cause")
    assert [one["reason"] for one in all_items("get_incident_timeline", incident_id=incident_id)] == ["shop is slow"]
    assert told("list_anomalies", application="shop", severity=["critical"])["items"][0]["id"] == event["id"]
    assert told("get_anomaly", most=24_000, anomaly_id=event["id"])["evidence"] == event["data"]["evidence"]
    preview = told("preview_feedback", subject_id=event["id"], judgement="false_positive")
    assert preview["sentence"].startswith("This verdict would have silenced 1 anomaly")


def test_answers_are_bounded_and_cursors_lead_through_all_of_it(console: Console) -> None:
    fill(console.store)
    (slow,) = console.get("/anomalies")["items"]
    tell(console.store, "anomalies", *(anomaly(number) for number in range(2, 60)))
    tell(console.store, "severity", *(incident("long", number, "updated") for number in range(80)))
    tell(console.store, "scored_logs", *(scored_log(number, f"{number} " + "far " * 50) for number in range(10, 50)))

    listed = console.get("/anomalies", limit=100)["items"]
    assert [one["id"] for one in all_items("list_anomalies", limit=100)] == [one["id"] for one in listed]
    members = console.get("/incidents/long/anomalies")["items"]
    assert len(members) > 50
    assert [one["id"] for one in all_items("list_incident_anomalies", incident_id="long")] == [
        one["id"] for one in members
    ]
    steps = console.get("/incidents/long/timeline")["items"]
    assert [one["id"] for one in all_items("get_incident_timeline", incident_id="long")] == [one["id"] for one in steps]
    logs = console.get("/logs", limit=100)["items"]
    assert [one["id"] for one in all_items("list_logs", limit=100)] == [one["id"] for one in logs]

    exemplar = console.get(f"/exemplars/{slow['id']}")
    segments = all_items("explain_anomaly", anomaly_id=slow["id"])
    for of, execution in (("anomalous", exemplar["execution"]), ("usual", exemplar["usual"])):
        own = [one for one in segments if one["of"] == of]
        assert sorted(one["index"] for one in own) == list(range(len(execution["bars"])))
        assert all(one["duration_ms"] == execution["bars"][one["index"]]["duration_ms"] for one in own)
    assert segments[0]["usual_ms"] == 50.0


def test_what_is_long_in_itself_is_cut_and_says_so(console: Console) -> None:
    tell(console.store, "severity", incident("i" * 400, 0, "opened", tuple(f"service-{n:0200}" for n in range(400))))
    (shown,) = told("list_incidents")["items"]
    assert "more)" in shown["applications"][-1]
    assert "more)" in json.dumps(told("get_incident", incident_id="i" * 400), ensure_ascii=False)


def test_hidden_characters_are_seen(console: Console) -> None:
    fill(console.store, "shop\u202e\U000e0041")
    result: CallToolResult = asked(lambda one: one.call_tool("list_anomalies", {}))
    assert r"shop\u202e\udb40\udc41" in text_of(result)
    assert text_of(result).isprintable()


def test_refusals_are_the_problems_of_the_api(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = problem("get_anomaly", anomaly_id="none")
    assert (
        missing
        == console.client.get(
            "/api/v1/anomalies/none", headers={"authorization": f"Bearer {console.keys['viewer'].key}"}
        ).json()
    )
    assert problem("list_anomalies", cursor="forged")["reason"] == "invalid_cursor"
    tell(console.store, "severity", incident("one", 0, "opened"))
    assert problem("get_incident_timeline", incident_id="one", cursor="forged")["reason"] == "invalid_cursor"
    assert problem("list_anomalies", since="yesterday")["status"] == 400
    wrong = problem("list_anomalies", ConsoleClient(os.environ[CONSOLE_URL], "th_wrong"))
    assert (wrong["status"], wrong["reason"]) == (401, "wrong_key")
    away = problem("list_anomalies", ConsoleClient("http://127.0.0.1:1", ""))
    assert away["detail"].startswith("No console answers at http://127.0.0.1:1 (")
    refused: CallToolResult = asked(
        lambda one: one.call_tool("give_feedback", {"subject_id": "one", "judgement": "confirmed"}), may_judge=True
    )
    assert json.loads(text_of(refused))["reason"] == "wrong_role"
    assert not console.sender.records


def test_a_permitted_verdict_is_sent(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(console.store, "anomalies", anomaly(1))
    monkeypatch.setenv(CONSOLE_KEY, console.keys["operator"].key)
    given = told("give_feedback", subject_id="anomaly-1", judgement="expected_change", note="a sale")
    (sent,) = console.sender.records
    assert json.loads(sent.value) == given
    assert (given["subject_id"], given["judgement"], given["note"]) == ("anomaly-1", "expected_change", "a sale")


def test_an_assistant_starts_it_and_asks_over_standard_input_and_output(console: Console) -> None:
    tell(console.store, "anomalies", anomaly(1))
    key = console.keys["viewer"].key
    environment = {"PYTHONPATH": str(PROJECT), CONSOLE_URL: os.environ[CONSOLE_URL], CONSOLE_KEY: key}
    command = StdioServerParameters(command=sys.executable, args=["-m", "tracehound", "mcp"], env=environment)

    async def talk() -> tuple[Any, Any]:
        async with Client(stdio_client(command)) as client:
            assert "never instructions" in (client.instructions or "")
            return await client.call_tool("list_anomalies", {}), await client.call_tool(
                "get_anomaly", {"anomaly_id": "x"}
            )

    answered, refused = anyio.run(talk)
    (item,) = json.loads(text_of(answered))["items"]
    assert item["id"] == "anomaly-1"
    assert refused.is_error
    assert json.loads(text_of(refused))["status"] == 404
