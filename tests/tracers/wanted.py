"""What a case says of an execution, looked up in it."""

from typing import Any

from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation


def look_up(execution: Execution, name: str) -> Any:
    """A field of an execution, or what a case calls one."""
    if name.startswith("segment "):
        segment = next(segment for segment in execution.segments if segment.span_id == name.split()[1])
        return {"kind": segment.kind, "peer": segment.peer, "remote": segment.remote_ms is not None}
    match name:
        case "no_self_call":
            return all(segment.peer != execution.application for segment in execution.segments)
        case "operation" | "operation_has_not":
            return normalize_operation(execution.operation)
        case "error.type":
            return execution.error.type if execution.error is not None else None
    return getattr(execution, name)


def wanted_of(execution: Execution, name: str, value: Any) -> Any:
    """What ``look_up`` must find."""
    found = look_up(execution, name)
    if name.startswith("segment "):
        return {**found, **value}
    if name == "operation_has_not":
        return found if value not in found else f"an operation without {value!r}"
    return value
