"""Spans as libraries record them, as OTLP in JSON, and the executions that they lead to."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tracehound.schemas.execution import Execution
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_START_NS = 1_790_000_000_000_000_000
_REMOTE, _LOCAL = 0x300, 0x100


def _value(value: str | int | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def recorded(
    service: str,
    span_id: str,
    parent: str,
    name: str,
    kind: str,
    start_ms: float,
    duration_ms: float,
    attributes: Mapping[str, str | int | bool],
    links: Sequence[tuple[str, str]] = (),
    trace: str = "a",
) -> dict[str, Any]:
    """One span with its resource; ids are one digit each. A parent in capitals is in another process."""
    span = {
        "traceId": trace * 32,
        "spanId": span_id * 16,
        "parentSpanId": parent.lower() * 16,
        "flags": _REMOTE if parent.isupper() else _LOCAL,
        "name": name,
        "kind": _KINDS[kind],
        "startTimeUnixNano": str(_START_NS + round(start_ms * 1e6)),
        "endTimeUnixNano": str(_START_NS + round((start_ms + duration_ms) * 1e6)),
        "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
        "links": [{"traceId": trace_id * 32, "spanId": linked * 16} for trace_id, linked in links],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resource": resource, "scopeSpans": [{"spans": [span]}]}


def executions_of(*spans: dict[str, Any]) -> list[Execution]:
    """The executions of all spans, by trace and start."""
    decoded = decode_spans(json.dumps({"resourceSpans": spans}).encode(), SpanLimits())
    assert not decoded.rejected
    return [one for trace_id, chunk in sorted(decoded.traces.items()) for one in assemble(trace_id, [chunk]).executions]
