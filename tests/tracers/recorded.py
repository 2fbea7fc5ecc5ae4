"""Reads the recorded cases, and what must come of them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import Resource, Span, TraceChunk
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans

CASES = Path(__file__).parent / "cases"
WHOLE = sorted(path.parent.name for path in CASES.glob("*/expected.json"))
"""Cases that say everything that must come of them."""
PARTLY = sorted(str(path.relative_to(CASES)) for path in CASES.glob("*/*.pb"))
"""Cases that say what must come of some of their spans."""


def values_of(case: str) -> list[bytes]:
    """The values of the records of a case, in the order in which they were written."""
    path = CASES / case
    if path.suffix == ".pb":
        return [path.read_bytes()]
    if (path / "value.json").exists():
        return [(path / "value.json").read_bytes()]
    return list(map(_value, (path / "records.jsonl").read_text().splitlines()))


def _value(line: str) -> bytes:
    record = json.loads(line)
    return record["value"].encode() if "value" in record else base64.b64decode(record["value_base64"])


def expected_of(case: str) -> dict[str, Any]:
    """What must come of a case."""
    path = CASES / case
    path = path.with_suffix(".expected.json") if path.suffix == ".pb" else path / "expected.json"
    expected: dict[str, Any] = json.loads(path.read_text())
    return expected


def decoded(case: str) -> list[DecodedSpans]:
    """The records of a case, decoded."""
    return [decode_spans(value, SpanLimits()) for value in values_of(case)]


def pieces_of(case: str) -> Iterator[tuple[str, TraceChunk]]:
    """Trace ids and pieces of the traces, record by record."""
    for each in decoded(case):
        yield from each.traces.items()


def one_by_one(case: str) -> Iterator[tuple[str, Resource, Span]]:
    """The spans of a case, each an object of its own: joining fills in what the spans topic leaves open."""
    for trace_id, chunk in pieces_of(case):
        for resource, spans in chunk.spans:
            for span in spans:
                yield trace_id, resource, span


def executions_of_case(case: str) -> list[Execution]:
    """All executions that a case leads to."""
    traces: dict[str, list[TraceChunk]] = {}
    for trace_id, chunk in pieces_of(case):
        traces.setdefault(trace_id, []).append(chunk)
    return [execution for trace_id, chunks in traces.items() for execution in assemble(trace_id, chunks).executions]


def as_told(execution: Execution) -> dict[str, Any]:
    """An execution as JSON has it, times to the microsecond."""
    return _rounded(json.loads(msgspec.json.encode(execution)))


def _rounded(told: dict[str, Any]) -> dict[str, Any]:
    rounded = {
        name: round(value, 6 if name == "started_at" else 3) if isinstance(value, float) else value
        for name, value in told.items()
    }
    if "segments" in told:
        rounded["segments"] = [_rounded(segment) for segment in told["segments"]]
    return rounded


def as_expected(case: str) -> list[dict[str, Any]]:
    """The executions that a case must lead to, by start."""
    return sorted(map(_rounded, expected_of(case)["executions"]), key=by_start)


def by_start(told: dict[str, Any]) -> tuple[float, str, str]:
    """Orders executions."""
    return told["started_at"], told["application"], told.get("span_id", "")
