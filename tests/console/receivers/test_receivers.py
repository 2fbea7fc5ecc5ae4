"""Receivers are told as they are set, without what is secret, and sent a test that says so."""

from typing import Any

import pytest

from tests.console.asking import Asking, asking
from tests.console.telling import tell
from tracehound.console.store.engine import Store
from tracehound.schemas.codec import encode
from tracehound.schemas.delivery import DELIVERY_TYPES, DeliveryEvent, DeliveryOutcome, DeliveryReport, delivery_id
from tracehound.streams.notify.trial import SUMMARY
from tracehound.streams.settings.notify import NotifySettings


def with_webhook(store: Store, url: str) -> Any:
    receivers = {"team": {"kind": "webhook", "url": url, "secret_env": "HOOK"}}
    routes = [{"receivers": ["team"], "severity": "major"}]
    return asking(store, notify=NotifySettings.model_validate({"receivers": receivers, "routes": routes}))


def test_a_test_is_an_incident_that_is_opened_and_resolved(
    store: Store, received: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, posted = received
    monkeypatch.setenv("HOOK", "a secret of 24 bytes or so")
    with with_webhook(store, url) as console:
        (receiver,) = console.get("/receivers")["items"]
        assert (receiver["name"], receiver["address"], receiver["routes"][0]["severity"]) == (
            *("team", url.removesuffix("/a-token")),
            "major",
        )
        assert console.ask("POST", "/receivers/team/test", "viewer").status_code == 403
        assert console.ask("POST", "/receivers/team/test", "operator").json() == {"delivered": True, "reason": ""}
    assert [one["data"]["state"] for one in posted] == ["open", "resolved"]
    assert {one["data"]["summary"] for one in posted} == {SUMMARY}


def test_what_keeps_a_test_from_being_sent_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_webhook(store, "http://127.0.0.1:1/x") as console:
        missing = console.ask("POST", "/receivers/team/test", "operator")
        assert (missing.status_code, missing.json()["reason"]) == (409, "conflict")
        assert "'HOOK'" in missing.json()["detail"]
        monkeypatch.setenv("HOOK", "a secret of 24 bytes or so")
        refused = console.ask("POST", "/receivers/team/test", "operator").json()
        assert refused["delivered"] is False
        assert refused["reason"]
        assert console.ask("POST", "/receivers/nobody/test", "operator").status_code == 404


def test_where_none_are_set_none_are_told(console: Asking) -> None:
    assert console.get("/receivers") == {"items": []}


def test_what_became_of_messages_is_told(console: Asking) -> None:
    def delivery(receiver: str, outcome: DeliveryOutcome, incident_id: str) -> bytes:
        report = DeliveryReport(
            receiver, "webhook", incident_id, f"{incident_id}-0", 0, "opened", "major", outcome, 0.5, ""
        )
        kind = DELIVERY_TYPES[outcome]
        return encode(DeliveryEvent(delivery_id(report), "t", kind, incident_id, "2026-01-01T00:00:00Z", report))

    told = [
        delivery("team", "delivered", "one"),
        delivery("mail", "given_up", "one"),
        delivery("team", "delivered", "two"),
    ]
    tell(console.store, "deliveries", *told)

    def found(**asked: str) -> list[tuple[str, str]]:
        items = console.get("/receivers/deliveries", **asked)["items"]
        return [(one["data"]["receiver"], one["data"]["incident_id"]) for one in items]

    assert found() == [("team", "two"), ("mail", "one"), ("team", "one")]
    assert found(outcome="given_up") == found(receiver="mail") == [("mail", "one")]
    assert found(incident_id="two", since="2025-01-01T00:00:00Z") == [("team", "two")]
