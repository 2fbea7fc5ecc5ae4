"""What executions must keep beyond their types: sizes, times and nesting, and what is said of one that does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracehound.schemas.execution import Execution, ExecutionHead, Segment, epoch_seconds, rfc3339
from tracehound.schemas.explanation import excerpt, invalid_time_sentence
from tracehound.schemas.rejection import ErrorName, Flaw

ATTRIBUTE_DEPTH = 16
"""How deep the values of ``attributes`` may be nested; deeper ones would overflow the stack of readers."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and times that a record must keep; the defaults are those of the settings.

    ``max_future_s`` is how far ``started_at`` may lie after the record's Kafka timestamp, in seconds. With
    ``by_trace`` the executions of a record may be of several applications, and each needs a trace id.
    """

    max_event_bytes: int = 1_000_000
    max_record_bytes: int = 8_000_000
    max_segments: int = 5_000
    max_future_s: float = 300.0
    by_trace: bool = False


def belong_together(executions: Sequence[ExecutionHead], limits: Limits) -> bool:
    """Whether the elements of a record are of one application, where they have to be."""
    return limits.by_trace or len({execution.application for execution in executions}) <= 1


def all_sound(executions: list[Execution], limits: Limits, latest_s: float) -> bool:
    """Whether all keep the rules beyond types; ``flaw_of`` says the same with reasons."""
    for execution in executions:
        segments = execution.segments
        if len(segments) > limits.max_segments:
            return False
        for segment in segments:
            if segment.parent is not None:
                if not _parents_first(segments):
                    return False
                break
    return heads_sound(executions, limits, latest_s)


def heads_sound(executions: Sequence[ExecutionHead], limits: Limits, latest_s: float) -> bool:
    """The same but for the rules of segments; times are in epoch seconds afterwards. The hot path."""
    by_trace = limits.by_trace
    for execution in executions:
        started_at = execution.started_at
        if isinstance(started_at, str):
            try:
                started_at = execution.started_at = epoch_seconds(started_at)
            except ValueError:
                return False
        if not 0 <= started_at <= latest_s:
            return False
        if by_trace and not execution.trace_id:
            return False
        if execution.attributes and not shallow(execution.attributes):
            return False
    return True


def _parents_first(segments: list[Segment]) -> bool:
    return all(segment.parent is None or segment.parent < index for index, segment in enumerate(segments))


def shallow(attributes: dict[str, Any]) -> bool:
    """Whether the values of attributes are nested at most ``ATTRIBUTE_DEPTH`` levels."""
    level = [value for value in attributes.values() if isinstance(value, (dict, list))]
    for _ in range(ATTRIBUTE_DEPTH):
        if not level:
            return True
        level = [
            value
            for each in level
            for value in (each.values() if isinstance(each, dict) else each)
            if isinstance(value, (dict, list))
        ]
    return not level


def of_application(execution: Execution, application: str) -> Execution | Flaw:
    """The execution, if it is of the application; else what is wrong with it."""
    if execution.application == application:
        return execution
    return Flaw(
        "MixedApplications",
        "application",
        lambda: (
            "the field 'application' must be the same in all elements, "
            f"{excerpt(application)} as in the first valid one. Got {excerpt(execution.application)} instead."
        ),
    )


def flaw_of(execution: Execution, limits: Limits, timestamp_s: float) -> Flaw | None:
    """The first rule that the execution breaks; its time is in epoch seconds afterwards."""
    return (
        _time_flaw(execution, limits, timestamp_s)
        or _segments_flaw(execution, limits)
        or (_NO_TRACE_ID if limits.by_trace and not execution.trace_id else None)
        or (None if shallow(execution.attributes) else TOO_DEEP)
    )


def _time_flaw(execution: Execution, limits: Limits, timestamp_s: float) -> Flaw | None:
    given = execution.started_at
    if isinstance(given, str):
        try:
            execution.started_at = epoch_seconds(given)
        except ValueError:
            return Flaw("InvalidTime", "started_at", lambda: invalid_time_sentence(given))
    started_s = execution.started_s
    if started_s < 0:
        return Flaw("InvalidTime", "started_at", lambda: invalid_time_sentence(given))
    if started_s <= timestamp_s + limits.max_future_s:
        return None
    return future_flaw("started_at", given, started_s, timestamp_s, limits)


def future_flaw(field: str, given: object, at_s: float, timestamp_s: float, limits: Limits) -> Flaw:
    """The flaw of a time that lies further in the future than it may."""
    return Flaw(
        "FutureTime",
        field,
        lambda: (
            f"the field '{field}' must be at most {limits.max_future_s:g} s after the record's timestamp, "
            f"{_moment(timestamp_s)}. Got {excerpt(given)} instead, which is {_moment(at_s)}."
        ),
    )


def _moment(epoch_s: float) -> str:
    try:
        return rfc3339(epoch_s)
    except (ValueError, OverflowError, OSError):  # outside of the years 1 to 9999
        return f"{epoch_s:g}"


def _segments_flaw(execution: Execution, limits: Limits) -> Flaw | None:
    segments = execution.segments
    if len(segments) > limits.max_segments:
        return Flaw(
            "TooManySegments",
            "segments",
            lambda: f"the field 'segments' must hold at most {limits.max_segments}. Got {len(segments)} instead.",
        )
    for index, segment in enumerate(segments):
        if segment.parent is not None and segment.parent >= index:
            return _parent_flaw(index, segment.parent)
    return None


def _parent_flaw(index: int, parent: int) -> Flaw:
    rule = f"be less than {index}, since parents come before their children" if index else "be absent"
    return Flaw(
        "InvalidParent",
        "segments[].parent",
        lambda: f"the field 'segments[{index}].parent' must {rule}. Got {excerpt(parent)} instead.",
    )


_NO_TRACE_ID = Flaw(
    "MissingField",
    "trace_id",
    lambda: "the field 'trace_id' is required of an execution that is to be joined with others. Got none instead.",
)
TOO_DEEP = Flaw(
    "InvalidField",
    "attributes",
    lambda: f"the field 'attributes' must be nested at most {ATTRIBUTE_DEPTH} levels. Got more instead.",
)
"""The flaw of attributes that are not shallow."""


def too_long(error: ErrorName, length: int, most: int, called: str = "the execution") -> Flaw:
    """What is wrong with a record, or with an execution or what it is ``called``, of so many bytes."""
    what = "the record" if error == "OversizedRecord" else called
    return Flaw(error, "", lambda: f"{what} must be at most {most} bytes long. Got {length} bytes instead.")
