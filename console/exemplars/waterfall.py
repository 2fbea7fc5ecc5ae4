"""An execution as a waterfall: what ran when within it and for how long, beside what is usual."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from tracehound.schemas.execution import Execution, ExecutionFailure, Segment, rfc3339

MOST_BARS: Final = 1_000
Path = bytes


class Bar(msgspec.Struct, frozen=True):
    """A segment. Times are milliseconds; ``offset_ms`` counts from the start of the execution, null: it has no place.

    ``parent`` is the index of the bar that encloses it. ``remote_ms`` is what the callee took by its own account, and
    ``call_gap_ms`` the rest of the call. ``count`` is more than 1 where it stands for so many equal ones.
    ``usual_ms`` is what as many segments of the same name in the same place took in the usual execution, and
    ``usual_count`` how many of them there were in it; null and 0: none.
    """

    name: str
    kind: str
    peer: str | None
    status: str
    depth: int
    parent: int | None
    offset_ms: float | None
    duration_ms: float
    remote_ms: float | None
    call_gap_ms: float | None
    count: int
    usual_ms: float | None
    usual_count: int


class Waterfall(msgspec.Struct, frozen=True):
    """An execution. ``call_gap_ms`` is the largest of its segments; ``left_out`` segments are shorter than all told."""

    trace_id: str
    started_at: str
    duration_ms: float
    status: str
    result: str | int | None
    version: str
    host: str
    error: ExecutionFailure | None
    attributes: dict[str, Any]
    call_gap_ms: float | None
    bars: list[Bar]
    left_out: int


class Exemplar(msgspec.Struct, frozen=True):
    """The execution that an anomaly names, and a usual one of the same operation; null where none was at hand."""

    anomaly_id: str
    time: str
    application: str
    environment: str
    operation: str
    execution: Waterfall
    usual: Waterfall | None


def waterfall(execution: Execution, usual: Execution | None = None, most: int = MOST_BARS) -> Waterfall:
    """The execution with its longest segments and those that enclose them.

    >>> call = Segment("GET /stock", 90.0, "http", offset_ms=5.0, peer="stock", remote_ms=20.0)
    >>> usual = Execution("shop", "GET /cart", 0.0, 30.0, segments=[msgspec.structs.replace(call, duration_ms=22.0)])
    >>> told = waterfall(Execution("shop", "GET /cart", 0.0, 100.0, segments=[call]), usual)
    >>> [(bar.name, bar.call_gap_ms, bar.usual_ms) for bar in told.bars], told.call_gap_ms
    ([('GET /stock', 70.0, 22.0)], 70.0)
    """
    segments = execution.segments
    usually = _by_path(usual.segments) if usual is not None else {}
    paths, depths = _paths(segments), _depths(segments)
    kept = _longest(segments, most)
    place = {index: number for number, index in enumerate(kept)}
    bars = []
    for index in kept:
        segment = segments[index]
        count, total_ms = usually.get(paths[index], (0, 0.0))
        bars.append(
            Bar(
                *(segment.name, segment.kind, segment.peer, segment.status, depths[index]),
                parent=None if segment.parent is None else place[segment.parent],
                offset_ms=segment.offset_ms,
                duration_ms=segment.duration_ms,
                remote_ms=segment.remote_ms,
                call_gap_ms=_gap_ms(segment),
                count=segment.count,
                usual_ms=total_ms / count * segment.count if count else None,
                usual_count=count,
            )
        )
    return Waterfall(
        *(execution.trace_id, rfc3339(execution.started_s), execution.duration_ms, execution.status, execution.result),
        *(execution.version, execution.host, execution.error, execution.attributes),
        call_gap_ms=max((gap for one in segments if (gap := _gap_ms(one)) is not None), default=None),
        bars=bars,
        left_out=len(segments) - len(kept),
    )


def _gap_ms(segment: Segment) -> float | None:
    return None if segment.remote_ms is None else segment.duration_ms - segment.remote_ms


def _paths(segments: Sequence[Segment]) -> list[Path]:
    """For each segment the digest of its own kind, name and peer and those of all that enclose it."""
    paths: list[Path] = []
    for segment in segments:
        above = b"" if segment.parent is None else paths[segment.parent]
        own = "\0".join((segment.kind, segment.name, segment.peer or "")).encode(errors="replace")
        paths.append(blake2b(above + own, digest_size=16).digest())
    return paths


def _by_path(segments: Sequence[Segment]) -> dict[Path, tuple[int, float]]:
    """How many segments there are of each path, and what they took together."""
    found: dict[Path, tuple[int, float]] = {}
    for segment, path in zip(segments, _paths(segments), strict=True):
        count, total_ms = found.get(path, (0, 0.0))
        found[path] = count + segment.count, total_ms + segment.duration_ms
    return found


def _depths(segments: Sequence[Segment]) -> list[int]:
    depths: list[int] = []
    for segment in segments:
        depths.append(1 if segment.parent is None else depths[segment.parent] + 1)
    return depths


def _longest(segments: Sequence[Segment], most: int) -> list[int]:
    """The indexes of at most so many segments, the longest and those that enclose them, in their order."""
    kept: set[int] = set()
    for index in sorted(range(len(segments)), key=lambda one: -segments[one].duration_ms):
        if len(kept) >= most:
            break
        family: list[int] = []
        above: int | None = index
        while above is not None and above not in kept:
            family.append(above)
            above = segments[above].parent
        if len(kept) + len(family) <= most:
            kept.update(family)
    return sorted(kept)
