"""An execution that has ended as JSON, within the bounds of the contract whatever the application put into it."""

import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from tracehound_client.executions import Execution, Segment

MOST_BYTES = 400_000
"""An execution that is longer is sent without its segments."""
_NAME, _TEXT, _SHORT = 1_000, 2_000, 200
_MOST_ATTRIBUTES = 64
_WHOLE = 2**63


def encoded(execution: Execution, of_all: Mapping[str, str]) -> bytes:
    """The JSON of an execution that has ended.

    Parameters:
        of_all: fields that all executions of the application have.
    """
    content = _head(execution, of_all)
    left_out = execution.segments_left_out
    if execution.segments:
        content["segments"] = _segments(execution)
    encoded = _json(content, left_out)
    if len(encoded) > MOST_BYTES:
        left_out += len(content.pop("segments", []))
        encoded = _json(content, left_out)
    return encoded


def text(value: object, most: int) -> str:
    """At most so many characters of a text, without halves of surrogate pairs, which are no Unicode."""
    cut = value if isinstance(value, str) else str(value)
    cut = cut[:most]
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode()


def _json(content: dict[str, Any], left_out: int) -> bytes:
    if left_out:
        content = content | {"attributes": content.get("attributes", {}) | {"segments_left_out": left_out}}
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def _head(execution: Execution, of_all: Mapping[str, str]) -> dict[str, Any]:
    ended_s = execution.ended_s if execution.ended_s is not None else execution.began_s
    content: dict[str, Any] = {
        **of_all,
        "operation": text(execution.operation, _NAME) or "unknown",
        "started_at": round(execution.started_at, 6),
        "duration_ms": _ms(ended_s - execution.began_s),
        "kind": execution.kind,
        "status": execution.status or "unset",
        "trace_id": execution.trace_id,
        "span_id": execution.span_id,
    }
    if execution.parent_span_id:
        content["parent_span_id"] = execution.parent_span_id
    if execution.result is not None:
        content["result"] = _result(execution.result)
    if execution.error_type:
        content["error"] = {
            "type": text(execution.error_type, _NAME),
            "message": text(execution.error_message, _TEXT),
            "handled": bool(execution.error_handled),
        }
    attributes = _attributes(execution.attributes)
    if attributes:
        content["attributes"] = attributes
    return content


def _segments(execution: Execution) -> list[dict[str, Any]]:
    segments = list(execution.segments)
    places = {id(segment): place for place, segment in enumerate(segments)}
    end_s = execution.ended_s or execution.began_s
    return [_segment(each, execution.began_s, end_s, places) for each in segments]


def _segment(segment: Segment, began_s: float, end_s: float, places: Mapping[int, int]) -> dict[str, Any]:
    ended_s = end_s if segment.ended_s is None else segment.ended_s  # what has not ended lasted as long as the whole
    content: dict[str, Any] = {
        "name": text(segment.name, _NAME) or "unknown",
        "kind": segment.kind,
        "offset_ms": _ms(segment.began_s - began_s),
        "duration_ms": _ms(ended_s - segment.began_s),
    }
    if segment.parent is not None:
        content["parent"] = places[id(segment.parent)]
    if segment.peer:
        content["peer"] = text(segment.peer, _SHORT)
    if segment.status != "unset":
        content["status"] = segment.status
    return content


def _attributes(given: Mapping[Any, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in list(given.items())[:_MOST_ATTRIBUTES]:
        plain = _plain(value)
        if plain is not None:
            kept[text(name, _SHORT)] = plain
    return kept


def _plain(value: object) -> bool | int | float | str | None:
    """A value as JSON has it, also where numpy or another library has it in a type of its own; None if it has none."""
    match value:
        case bool():
            return value
        case str():
            return text(value, _NAME)
        case Integral():
            whole = int(value)
            return whole if -_WHOLE <= whole < _WHOLE else None
        case Real():
            try:
                number = float(value)
            except OverflowError:
                return None
            return number if math.isfinite(number) else None
    return None


def _result(result: object) -> int | str:
    if isinstance(result, int) and -_WHOLE <= result < _WHOLE:
        return int(result)
    return text(result, _SHORT)


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1_000, 3)
