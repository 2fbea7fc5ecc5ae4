"""The codec and the generated JSON Schema agree on what an execution is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, ModelStamp, as_jsonable
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.json_schema import json_schema
from tracehound.schemas.model_event import ModelChange, ModelEvent

EXECUTION = Draft202012Validator(json_schema(Execution))
RECORD = Draft202012Validator(json_schema(Execution | list[Execution]))
ExecutionsOf = Callable[[str | None], st.SearchStrategy[dict[str, Any]]]
WITHOUT_FIELD = object()
FIELDS = [
    *(name for name in Execution.__struct_fields__ if name != "segments"),
    *(f"error.{name}" for name in ("type", "message", "handled")),
    *(f"segments.{name}" for name in ("name", "duration_ms", "kind", "offset_ms", "status", "peer", "remote_ms")),
]
# Beyond JSON Schema: 1.0 is a whole number there and not here, and parents, depth, size and the future
TEXTS = ["", "x", "x" * 200, "x" * 201, "x" * 1_001, "request", "db", "error", "log"]
TIMES = ["2025-01-01T00:00:00Z", "2025-01-01T00:00:00.5+01:00", "2025-01-01T00:00:00", "2025-01-01", "now"]
NUMBERS = [0, -1, 5, -0.5, 1.5, 1e10, 1e11, 1767225600000, 2**63 - 1, 2**63, -(2**63)]
OTHERS = [WITHOUT_FIELD, None, True, False, [], [1], {}, {"a": 1}, [{}]]
REPLACEMENTS = st.sampled_from([*TEXTS, *TIMES, *NUMBERS, *OTHERS])


def mutate(value: dict[str, Any], field: str, replacement: object) -> dict[str, Any]:
    """The execution with one field, or that field of a segment or of the error, replaced or left out."""
    holder_name, _, name = field.rpartition(".")
    if holder_name:
        holder = {"name": "a", "duration_ms": 1} if holder_name == "segments" else {}
        inner = mutate(holder, name, replacement)
        return value | {holder_name: [inner] if holder_name == "segments" else inner}
    if replacement is WITHOUT_FIELD:
        return {other: content for other, content in value.items() if other != name}
    return value | {name: replacement}


@given(data=st.data(), field=st.sampled_from(FIELDS), replacement=REPLACEMENTS)
def test_schema_and_codec_accept_the_same_types(
    data: st.DataObject, field: str, replacement: object, executions_of: ExecutionsOf, now_s: float
) -> None:
    value = mutate(data.draw(executions_of(None)), field, replacement)
    # a far timestamp, so that nothing lies in the future: JSON Schema cannot say that
    decoded = decode_record(json.dumps(value).encode(), Limits(), 1e12)
    assert EXECUTION.is_valid(value) == bool(decoded.executions), decoded.rejected


@given(data=st.data())
def test_the_record_is_an_execution_or_an_array(data: st.DataObject, executions_of: ExecutionsOf) -> None:
    values = data.draw(st.lists(executions_of("shop"), max_size=3))
    assert RECORD.is_valid(values)
    for value in values:
        assert RECORD.is_valid(value)
        assert not RECORD.is_valid([[value]])


def test_an_anomaly_event_fits_its_schema() -> None:
    anomaly = Anomaly(
        application="shop",
        operation="GET /cart",
        environment="prod",
        version="1",
        kind="latency",
        score=9.0,
        sigma=6.0,
        severity="minor",
        confidence=0.9,
        signal="self_ms",
        typical=120.0,
        actual=940.0,
        bounds=(80.0, 210.0),
        unit="ms",
        contributions={"self_ms": 1.0},
        reason="GET /cart took 940 ms, typically 120 ms (80 to 210).",
        exemplar_trace_ids=["a"],
        window=None,
        model=ModelStamp("chart", "1", 500, None, False),
        incident_key="shop",
    )
    event = AnomalyEvent("1", "/tracehound", "type", "shop", "2026-01-01T00:00:00Z", anomaly)
    plain = json.loads(encode(event))
    assert plain == as_jsonable(event)
    schema = Draft202012Validator(json_schema(AnomalyEvent))
    assert list(schema.iter_errors(plain)) == []
    plain["data"]["bounds"] = [1.0]
    assert not schema.is_valid(plain)


CLOUD_EVENT = {"id", "source", "specversion", "type"}
"""What CloudEvents 1.0 requires (https://github.com/cloudevents/spec, section Required Attributes)."""


@pytest.mark.parametrize("kind", [AnomalyEvent, ModelEvent])
def test_events_write_and_require_what_cloud_events_does(kind: type[AnomalyEvent] | type[ModelEvent]) -> None:
    required = json_schema(kind)["$defs"][kind.__name__]["required"]
    assert set(required) == CLOUD_EVENT | {"datacontenttype", "subject", "time", "data"}
    change = ModelChange("shop", "", "GET /cart", "chart", "ready", 60, 0, "The model is ready.")
    written = json.loads(encode(ModelEvent("1", "/tracehound", "type", "shop", "2026-01-01T00:00:00Z", change)))
    assert written.keys() >= CLOUD_EVENT
    assert written["specversion"] == "1.0"
