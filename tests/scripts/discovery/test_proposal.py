"""Mappings proposed for JSON as real programs log it; what is proposed makes executions of it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.scripts.discovery.proposal import propose
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader

NGINX = [
    {"time_iso8601": "2026-11-29T14:24:30+00:00", "request_uri": "/cart", "request_time": f"0.{n}17", "status": code}
    for n, code in ((1, "200"), (2, "503"), (3, "200"))
]
ZAP = [
    {"level": "info", "ts": 1_795_962_270.25, "logger": "billing", "msg": "done", "job": "invoice", "took": "12.5ms"},
    {"level": "info", "ts": 1_795_962_271.25, "logger": "billing", "msg": "done", "job": "dunning", "took": "1m2s"},
]
DOTNET = [
    {
        "Timestamp": "2026-11-29T14:24:30.2500000Z",
        "ServiceName": "stock",
        "RequestPath": "/p/1",
        "ElapsedMilliseconds": 7,
    }
] * 3
NESTED = [
    {
        "kubernetes": {"labels": {"app": "shop"}},
        "http": {"route": "GET /cart", "response": {"status_code": 500}},
        "startTimeUnixNano": str(1_795_962_270_250_000_000),
        "duration": 118_400_000,
    }
]
SPANLESS = [
    {"service": "mail", "task": "send", "started": 1_795_962_270_250, "finished": 1_795_962_270_350, "ok": False}
]


def executions(objects: list[dict[str, Any]], topic: str = "requests") -> list[Execution]:
    reader = ExecutionReader(Limits(), None, FieldMapping(propose(objects, topic).written))
    return [one for each in objects for one in reader.decode(json.dumps(each).encode(), (), time.time()).executions]


@pytest.mark.parametrize(
    ("objects", "application", "operation", "duration_ms", "status"),
    [
        (NGINX, "requests", "/cart", 117.0, "ok"),
        (ZAP, "billing", "invoice", 12.5, "unset"),
        (DOTNET, "stock", "/p/1", 7.0, "unset"),
        (NESTED, "shop", "GET /cart", 118.4, "error"),
        (SPANLESS, "mail", "send", 100.0, "error"),
    ],
    ids=["nginx", "zap", "dotnet", "nested", "begin and end"],
)
def test_what_programs_log_becomes_executions(
    objects: list[dict[str, Any]], application: str, operation: str, duration_ms: float, status: str
) -> None:
    made = executions(objects)
    assert len(made) == len(objects)
    assert (made[0].application, made[0].operation, made[0].status) == (application, operation, status)
    assert made[0].duration_ms == pytest.approx(duration_ms)
    assert 1_795_962_200 < made[0].started_s < 1_795_962_300


def test_what_was_guessed_is_said_to_be() -> None:
    def why(**fields: Any) -> str:
        (found,) = [one for one in propose([fields], "t").fields if one.name == "duration_ms"]
        return f"{found.written} {found.why}"

    assert why(duration=118_400_000).startswith("duration:ns that it counts ns is a guess")
    assert why(duration=118_400).startswith("duration:us that it counts us is a guess")
    assert why(duration=118).startswith("duration:ms that it counts ms is a guess")
    assert why(duration=0.118).startswith("duration:s that it counts s is a guess")
    assert why(duration_s=0.118) == "duration_s:s its name says what it counts"
    assert why(durationMs=0.118) == "durationMs:ms its name says what it counts"


def test_what_nothing_looks_like_is_missing() -> None:
    assert propose([{"a": 1, "b": "x"}], "t").missing == ("operation", "started_at", "duration_ms")
    sometimes: list[dict[str, Any]] = [
        {"path": "/", "time": 1_795_962_270},
        *({"time": 1_795_962_270, "took_ms": 5} for _ in range(9)),
    ]
    assert propose(sometimes, "t").missing == ("operation",)
    assert propose([{"path": "/", "time": 5, "took_ms": 5}], "t").missing == ("started_at",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["time", "duration", "status", "path", "service", "took_ms", "a:b", 'a"b', "a,b", "a=b", ""])


@given(st.lists(st.dictionaries(NAMES | st.text(max_size=12), JSON, max_size=8), max_size=4), st.text(max_size=20))
def test_whatever_objects_hold_what_is_proposed_can_be_set(objects: list[dict[str, Any]], topic: str) -> None:
    FieldMapping(propose(objects, "".join(each for each in topic if each not in ',="')).written)
