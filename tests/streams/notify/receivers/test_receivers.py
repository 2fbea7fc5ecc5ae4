"""What each kind of receiver sends, as a server gets it."""

import asyncio
import base64
import hashlib
import hmac
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.streams.conftest import until
from tests.streams.notify.conftest import (
    TUESDAY_NOON_S,
    Answer,
    Request,
    make_event,
    make_notice,
    make_record,
    stand_in,
    status,
)
from tracehound.schemas.anomaly import Severity
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Delivered, Failed, Outcome, Receiver
from tracehound.streams.notify.receivers.alertmanager import AlertmanagerReceiver, alerts_of
from tracehound.streams.notify.receivers.apprise_url import AppriseReceiver
from tracehound.streams.notify.receivers.pagerduty import PagerDutyReceiver, event_of
from tracehound.streams.notify.receivers.webhook import WebhookReceiver
from tracehound.streams.settings.notify import Alertmanager, AppriseUrl, PagerDuty, Webhook

NOW_S = TUESDAY_NOON_S + 5
LONG = "x" * 100_000


def tell(
    build: Callable[[str], Receiver], *notices: Notice, answers: tuple[Answer, ...] = ()
) -> tuple[list[Outcome], list[Request]]:
    """Outcomes of telling a receiver at a server, and the requests it got."""

    async def test() -> tuple[list[Outcome], list[Request]]:
        async with stand_in(*answers) as server:
            receiver = build(server.url)
            try:
                return [await receiver.tell(notice) for notice in notices], server.requests
            finally:
                await receiver.close()

    return asyncio.run(test())


def webhook(url: str) -> Receiver:
    settings = Webhook(kind="webhook", url=url + "/in?x=1", secret_env="S")
    return WebhookReceiver(settings, [b"k" * 24, b"l" * 24], lambda: NOW_S)


def test_a_webhook_gets_the_event_as_it_is_and_signed() -> None:
    event = make_event()
    value = msgspec.json.encode(event).replace(b'"revision":1', b'"revision":1,"new_field":true')
    notice = Notice("team", event, "opened", "shop", (), make_record(value))
    (outcome,), (request,) = tell(webhook, notice)
    assert outcome == Delivered()
    assert request.body == value
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["webhook-id"] == event.id
    assert request.headers["webhook-timestamp"] == str(int(NOW_S))
    signed = b"%s.%d.%s" % (event.id.encode(), int(NOW_S), value)
    expected = [
        "v1," + base64.b64encode(hmac.new(key * 24, signed, hashlib.sha256).digest()).decode() for key in (b"k", b"l")
    ]
    assert request.headers["webhook-signature"].split(" ") == expected


def test_a_repeated_webhook_has_the_same_id() -> None:
    notice = make_notice(make_event())
    outcomes, requests = tell(webhook, notice, notice, answers=(status(500),))
    assert [type(outcome) for outcome in outcomes] == [Failed, Delivered]
    assert len({request.headers["webhook-id"] for request in requests}) == 1


def test_a_hostile_event_id_breaks_no_header() -> None:
    event = make_event("a\r\nX-Evil: 1\u2603")
    (outcome,), (request,) = tell(webhook, make_notice(event))
    assert outcome == Delivered()
    assert request.headers["webhook-id"] == "aX-Evil:1-1"
    assert "X-Evil" not in request.headers


def pagerduty(url: str) -> Receiver:
    return PagerDutyReceiver(PagerDuty(kind="pagerduty", url=url + "/v2/enqueue", secret_env="S"), "R0UT1NG")


def test_pagerduty_triggers_updates_and_resolves_one_alert() -> None:
    notices = [
        make_notice(make_event(severity="minor")),
        make_notice(make_event("i1", 2, "updated", "critical"), change="updated"),
        make_notice(make_event("i1", 3, "resolved"), change="resolved"),
    ]
    outcomes, requests = tell(pagerduty, *notices)
    assert outcomes == [Delivered()] * 3
    events = [request.json for request in requests]
    assert [event["event_action"] for event in events] == ["trigger", "trigger", "resolve"]
    assert {event["dedup_key"] for event in events} == {"i1"}
    assert {event["routing_key"] for event in events} == {"R0UT1NG"}
    assert [event["payload"]["severity"] for event in events[:2]] == ["warning", "critical"]
    payload = events[0]["payload"]
    assert payload["summary"] == "Incident (minor): checkout is slow: 940 ms, typically 120 ms"
    assert (payload["source"], payload["component"], payload["group"]) == ("shop", "stock GET /items", "prod")
    assert payload["timestamp"] == "2026-01-06T11:58:00.000Z"
    assert [event["payload"][name] for event in events[1:] for name in ("source", "group")] == ["shop", "prod"] * 2
    assert events[2]["payload"]["severity"] == "error"


def test_limits_of_pagerduty_are_kept() -> None:
    event = make_event(
        summary=LONG,
        reason=LONG,
        applications=[LONG] * 1_000,
        environment=LONG,
        dedup_key=LONG,
        exemplar_trace_ids=[LONG],
    )
    assert event.data.suspected_cause is not None
    event.data.suspected_cause.why = event.data.suspected_cause.application = LONG
    made = event_of(make_notice(event), "R")
    assert len(made["payload"]["summary"]) == 1_024
    assert len(made["dedup_key"]) <= 255
    assert len(msgspec.json.encode(made)) < 20_000


ALERTS = Alertmanager(kind="alertmanager", url="http://alerts:9093/", labels={"team": "shop", "severity": "mine"})


def firing(alert: dict[str, Any]) -> bool:
    return bool(alert["endsAt"] > "2026-01-06T12:00:05.000Z")


def test_an_open_incident_is_an_alert_that_outlives_restarts() -> None:
    (alert,) = alerts_of(make_notice(make_event()), ALERTS, NOW_S)
    assert alert["labels"] == {
        "team": "shop",
        "alertname": "TracehoundIncident",
        "application": "shop",
        "environment": "prod",
        "severity": "major",
        "incident_id": "i1",
    }
    assert alert["startsAt"] == "2026-01-06T11:58:00.000Z"
    assert alert["endsAt"] == "2026-01-06T13:00:05.000Z"
    assert alert["annotations"]["summary"] == "checkout is slow: 940 ms, typically 120 ms"
    assert alert["annotations"]["cause"] == "stock GET /items: 82 % of the excess is its own time."


def test_a_change_of_severity_ends_one_alert_and_begins_another() -> None:
    event, earlier = make_event("i1", 3, "updated", "critical"), ("minor", "major")
    notice = Notice("alerts", event, "updated", "shop", earlier, make_record(event))  # type: ignore[arg-type] # of literals
    alerts = alerts_of(notice, ALERTS, NOW_S)
    assert {alert["labels"]["severity"]: firing(alert) for alert in alerts} == {
        "critical": True,
        "minor": False,
        "major": False,
    }
    ended = msgspec.structs.replace(event)
    ends = alerts_of(Notice("alerts", ended, "resolved", "shop", earlier, make_record(event)), ALERTS, NOW_S)  # type: ignore[arg-type] # of literals
    assert len(ends) == 3
    assert not any(map(firing, ends))


@pytest.mark.parametrize("opened_at", ["2027-01-01T00:00:00Z", "no time", "2026-01-06T12:00:05.000Z"])
def test_an_alert_never_begins_after_its_end(opened_at: str) -> None:
    for change in ("opened", "resolved"):
        (alert,) = alerts_of(make_notice(make_event(opened_at=opened_at), change=change), ALERTS, NOW_S)
        assert alert["startsAt"] < alert["endsAt"]


def severity_change(severity: Severity, *earlier: Severity) -> Notice:
    event = make_event("i1", 2, "updated", severity)
    return Notice("alerts", event, "updated", "shop", earlier, make_record(event))


def test_what_is_open_is_told_again_and_the_end_a_few_times() -> None:
    async def test() -> None:
        async with stand_in() as server:
            settings = Alertmanager(kind="alertmanager", url=server.url)
            receiver = AlertmanagerReceiver("alerts", settings, "Bearer hush", lambda: NOW_S)
            await receiver.tell(severity_change("critical", "major"))
            receiver.remember(make_notice(make_event("i2"), "alerts", partition=3))
            for _ in range(4):
                await receiver.resend()
            resolved = make_notice(make_event("i1", 3, "resolved", "critical"), "alerts", "resolved")
            await receiver.tell(resolved)
            receiver.forget(3)
            for _ in range(5):
                await receiver.resend()
            await receiver.close()
            told = [
                sorted((a["labels"]["incident_id"], a["labels"]["severity"], firing(a)) for a in request.json)
                for request in server.requests
            ]
            other, now, before, end = (
                ("i2", "major", True),
                ("i1", "critical", True),
                ("i1", "major", False),
                ("i1", "critical", False),
            )
            assert told == [[now, before]] + [[now, before, other]] * 3 + [[now, other]] + [[end]] * 4
            assert {request.path for request in server.requests} == {"/api/v2/alerts"}
            assert {request.headers["Authorization"] for request in server.requests} == {"Bearer hush"}

    asyncio.run(test())


def test_thousands_are_told_again_in_parts_and_a_failure_waits_for_the_next_round() -> None:
    async def test() -> None:
        async with stand_in(status(503)) as server:
            receiver = AlertmanagerReceiver("alerts", Alertmanager(kind="alertmanager", url=server.url))
            for number in range(250):
                receiver.remember(make_notice(make_event(f"i{number}"), "alerts"))
            await receiver.resend()
            assert len(server.requests) == 1
            await receiver.resend()
            await receiver.close()
            assert [len(request.json) for request in server.requests] == [100, 100, 100, 50]

    asyncio.run(test())


def test_it_tells_again_by_itself() -> None:
    async def test() -> None:
        async with stand_in() as server:
            settings = Alertmanager(kind="alertmanager", url=server.url, resend_s=0.01)
            receiver = AlertmanagerReceiver("alerts", settings)
            receiver.remember(make_notice(make_event(), "alerts"))
            receiver.start()
            await until(lambda: len(server.requests) >= 3, "it told three times")
            await receiver.close()

    asyncio.run(test())


def apprise_at(url: str) -> Receiver:
    settings = AppriseUrl(kind="apprise", secret_env="S", timeout_s=5.0)
    return AppriseReceiver("chat", settings, url.replace("http:", "json:") + "/tokentoken", 2)


def test_apprise_sends_words() -> None:
    (outcome,), (request,) = tell(apprise_at, make_notice(make_event()))
    assert outcome == Delivered()
    assert request.json["title"] == "Incident (major): checkout is slow: 940 ms, typically 120 ms"
    assert "Suspected cause: stock GET /items" in request.json["message"]
    assert request.json["type"] == "warning"


def test_a_failure_of_apprise_is_told_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    answer: Answer = lambda request: web.Response(status=403, text=f"not {request.path}")  # noqa: E731 (short)
    (outcome,), _ = tell(apprise_at, make_notice(make_event()), answers=(answer,))
    assert isinstance(outcome, Failed)
    assert outcome.retry
    assert "tokentoken" not in outcome.reason + caplog.text


def test_a_call_of_apprise_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracehound.streams.notify.receivers.apprise_url._SLACK_S", 0.05)
    release = threading.Event()

    class Hanging:
        def notify(self, **_: Any) -> bool:
            return release.wait(20)

    async def test() -> None:
        settings = AppriseUrl(kind="apprise", secret_env="S", timeout_s=0.05)
        receiver = AppriseReceiver("chat", settings, "json://127.0.0.1:9/", 1)
        receiver._service = Hanging()
        try:
            assert isinstance(await receiver.tell(make_notice(make_event())), Failed)
        finally:
            release.set()
            await receiver.close()

    asyncio.run(test())
