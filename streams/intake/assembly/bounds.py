"""Keeps executions within what workers take: equal siblings become one segment, and the rest is cut and counted."""

from collections.abc import Sequence

import msgspec

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution, Segment

LEFT_OUT = "segments_left_out"
"""The attribute that says how many segments an execution has lost."""


def bounded(execution: Execution, most: int, most_bytes: int | None = None) -> Execution:
    """The execution with at most so many segments, and bytes as JSON.

    Segments without any in them that have parent, name, kind, status and peer in common are made one, as long as the
    first and with their ``count`` and the sum of their durations; what is still too much is cut off at the end, so that
    enclosing segments stay, and counted in the attribute ``LEFT_OUT``.
    """
    segments = _folded(execution.segments)
    bound = min(most, len(segments))
    while True:
        made = _cut(execution, segments, bound)
        size = len(encode(made)) if most_bytes is not None else 0
        if most_bytes is None or size <= most_bytes or not bound:
            return made
        bound = min(bound - 1, bound * most_bytes // size)


def _cut(execution: Execution, segments: Sequence[Segment], most: int) -> Execution:
    left_out = sum(segment.count for segment in segments[most:])
    attributes = {**execution.attributes, LEFT_OUT: left_out} if left_out else execution.attributes
    return msgspec.structs.replace(execution, segments=list(segments[:most]), attributes=attributes)


def _folded(segments: Sequence[Segment]) -> list[Segment]:
    enclosing = {segment.parent for segment in segments}
    firsts: dict[tuple[int | None, str, str, str, str | None], Segment] = {}
    places: dict[int, int] = {}
    left: list[Segment] = []
    for place, segment in enumerate(segments):
        key = (segment.parent, segment.name, segment.kind, segment.status, segment.peer)
        first = firsts.get(key) if place not in enclosing else None
        if first is not None:
            first.count += segment.count
            first.duration_ms += segment.duration_ms
            both = first.remote_ms is not None and segment.remote_ms is not None
            first.remote_ms = (first.remote_ms or 0.0) + (segment.remote_ms or 0.0) if both else None
            continue
        places[place] = len(left)
        parent = None if segment.parent is None else places[segment.parent]
        kept = msgspec.structs.replace(segment, parent=parent)
        left.append(kept)
        if place not in enclosing:
            firsts[key] = kept
    return left
