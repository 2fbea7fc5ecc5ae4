"""`POST /v1/executions` reads envelopes and other names of fields as workers and `validate` do."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, Answer, FakeSender, ask
from tracehound.schemas.codec import decode_record
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.gateway.app import build_gateway
from tracehound.streams.settings.settings import Settings

NOW_S = int(time.time())
FIELDS = "application=service.name, operation=route, started_at=time:ms, duration_ms=took:s"


def other(service: str = "shop", **fields: Any) -> dict[str, Any]:
    return {"service": {"name": service}, "route": "GET /", "time": NOW_S * 1_000, "took": 0.25, **fields}


def execution(application: str = "shop") -> dict[str, Any]:
    return {"application": application, "operation": "POST /", "started_at": NOW_S, "duration_ms": 5.0}


def asked(body: Any, fields: str = FIELDS) -> tuple[FakeSender, Answer]:
    sender = FakeSender()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    gateway = build_gateway(Settings(execution_fields=fields), sender)
    return sender, ask(gateway, "POST", "/v1/executions", content, JSON)


def learned(sender: FakeSender) -> list[tuple[bytes | None, str, str, float]]:
    """Key and execution, as a worker without that setting reads what is written."""
    found = []
    for record in sender.records:
        decoded = decode_record(record.value, Limits(), NOW_S)
        assert decoded.rejected == []
        found += [(record.key, one.application, one.operation, one.duration_ms) for one in decoded.executions]
    return found


@pytest.mark.parametrize(
    "body",
    [other(), [other()], b"\n" + json.dumps(other()).encode() + b"\n\n"],
    ids=["one", "array", "lines"],
)
def test_other_names_are_given_their_own(body: Any) -> None:
    sender, answer = asked(body)
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert learned(sender) == [(b"shop", "shop", "GET /", 250.0)]


def test_an_array_may_mix_applications_names_and_what_is_wrong() -> None:
    sender, answer = asked([other("shop"), other("bank"), execution("shop"), other("bank", took=-1), other("bank")])
    assert (answer.status, answer.json["accepted"], answer.json["refused_executions"]) == (200, 4, 1)
    assert sorted(learned(sender), key=lambda one: one[1]) == [
        (b"bank", "bank", "GET /", 250.0),
        (b"bank", "bank", "GET /", 250.0),
        (b"shop", "shop", "GET /", 250.0),
        (b"shop", "shop", "POST /", 5.0),
    ]
    (refused,) = answer.json["refused"]
    assert refused["elements"] == [3]
    assert refused["reason"].startswith("Within the names of the setting 'execution_fields': element 3: the field")


def sentences(body: bytes, fields: str) -> Sequence[str]:
    """What a worker and `tracehound validate` say."""
    reader = ExecutionReader(Limits(), mapping=FieldMapping(fields))
    return [each.reason for each in reader.decode(body, (), NOW_S).rejected]


@pytest.mark.parametrize(
    "given",
    [
        other(took=-1),
        {"specversion": "1.0", "type": "t", "data": {"application": "shop"}},
        {"specversion": "1.0", "type": "t"},
        {"resourceSpans": []},
        {"op": "u", "after": {}},
        {"anything": 1},
    ],
    ids=["names", "within", "empty", "spans", "change", "unknown"],
)
def test_what_is_refused_is_refused_in_the_words_of_a_worker(given: dict[str, Any]) -> None:
    body = json.dumps(given).encode()
    sender, answer = asked(body)
    assert (answer.status, sender.records) == (400, [])
    assert [each["reason"] for each in answer.json["refused"]] == sentences(body, FIELDS)


def test_without_the_setting_other_names_are_refused() -> None:
    sender, answer = asked(other(), fields="")
    assert (answer.status, sender.records) == (400, [])
    assert "'application' is required" in answer.json["detail"]


def test_envelopes_are_opened() -> None:
    events = [{"specversion": "1.0", "type": "t", "data": execution(name)} for name in ("shop", "bank")]
    for body, count in (
        (events, 2),
        (events[0], 1),
        (json.dumps(execution()), 1),
        ({"schema": {}, "payload": execution()}, 1),
    ):
        sender, answer = asked(body)
        assert (answer.status, answer.json["accepted"], len(learned(sender))) == (200, count, count)


def test_a_wrong_setting_is_told_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="execution_fields"):
        build_gateway(Settings(execution_fields="nothing=at all"), FakeSender())
