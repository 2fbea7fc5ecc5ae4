"""An execution while it runs: what it does, its segments, how it ended; and which one runs here."""

import time
from contextvars import ContextVar
from typing import Any

from tracehound_client.kinds import ExecutionKind, SegmentKind, Status
from tracehound_client.traces import TraceParent, new_span_id, new_trace_id

MOST_SEGMENTS = 1_000
"""Segments that are kept of one execution; more are counted."""


class Segment:
    """A part of an execution. ``name``, ``peer`` (who is called) and ``status`` may be set while it runs."""

    __slots__ = ("began_s", "ended_s", "kind", "name", "parent", "peer", "status")

    def __init__(self, name: str, kind: SegmentKind, parent: "Segment | None") -> None:
        self.name, self.kind, self.parent = name, kind, parent
        self.peer = ""
        self.status: Status = "unset"
        self.began_s = time.perf_counter()
        self.ended_s: float | None = None

    def end(self, error: BaseException | None = None) -> None:
        """It is over, by an error or without one."""
        self.ended_s = time.perf_counter()
        if isinstance(error, Exception):
            self.status = "error"


class Execution:
    """An execution that runs. Its public attributes may be changed until it ends.

    Attributes:
        operation: what is executed: few different names, never with ids in them.
        kind: what began it.
        result: a code or a word for how it ended, such as a status of HTTP.
        status: ``ok``, ``error`` or ``unset``; by itself ``error`` after an exception and ``ok`` without one.
        attributes: texts, numbers and booleans by name; what is anything else is left out.
        trace_id, span_id, parent_span_id: its place in a trace.
    """

    def __init__(self, operation: str, kind: ExecutionKind = "request", parent: TraceParent | None = None) -> None:
        self.operation, self.kind = operation, kind
        self.result: int | str | None = None
        self.status: Status | None = None
        self.attributes: dict[str, Any] = {}
        self.trace_id = parent.trace_id if parent else new_trace_id()
        self.span_id = new_span_id()
        self.parent_span_id = parent.span_id if parent else ""
        self.error_type = self.error_message = ""
        self.error_handled = False
        self.segments: list[Segment] = []
        self.segments_left_out = 0
        self.started_at = time.time()
        self.began_s = time.perf_counter()
        self.ended_s: float | None = None

    @property
    def traceparent(self) -> str:
        """The header to give to whom this execution calls, so that their executions are of the same trace."""
        return TraceParent(self.trace_id, self.span_id).header

    def fail(self, error: BaseException, handled: bool = False) -> None:
        """An exception came up in it; a handled one does not make the execution fail."""
        self.error_type = type(error).__qualname__
        try:
            self.error_message = str(error)
        except Exception:  # noqa: BLE001 (an exception of the application's that cannot say what it is)
            self.error_message = ""
        self.error_handled = handled
        if not handled:
            self.status = "error"

    def end(self, error: BaseException | None = None) -> None:
        """It is over, by an exception or without one. One that only stops it, such as a cancellation, is no failure."""
        if self.ended_s is not None:
            return
        self.ended_s = time.perf_counter()
        if isinstance(error, Exception):
            self.fail(error)
        elif error is not None:
            self.status, self.result = self.status or "unset", self.result or type(error).__name__
        self.status = self.status or "ok"

    def begin_segment(self, name: str, kind: SegmentKind, parent: Segment | None) -> Segment | None:
        """A segment begins within ``parent``; None where it is not kept: there are too many, or it is all over."""
        if self.ended_s is not None:
            return None
        if len(self.segments) >= MOST_SEGMENTS:
            self.segments_left_out += 1
            return None
        segment = Segment(name, kind, parent)
        self.segments.append(segment)
        return segment


Place = tuple[Execution, Segment | None]
"""The execution that runs, and the segment within it."""

PLACE: ContextVar[Place | None] = ContextVar("tracehound_client_place", default=None)


def current() -> Execution | None:
    """The execution that runs here: in this thread, task, or what was started by them with their context."""
    place = PLACE.get()
    return place[0] if place else None
