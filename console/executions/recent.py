"""The newest executions, whole, for as long as anomalies may still ask for them: bounded by bytes."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import ApplicationKey, Execution, ExecutionHead
from tracehound.schemas.execution_rules import Limits

_KEPT_AFTER_CUT = 0.9
_OVERHEAD = 500
"""About what an execution takes of memory beside its bytes."""
_ANY = Limits(max_event_bytes=100_000_000, max_record_bytes=100_000_000)


class RecentExecution(msgspec.Struct, gc=False):
    """An execution as it was read: ``content`` is JSON, of one or of an array in which it has the place ``index``.

    It takes as much memory as its ``size``, in bytes, says: what attributes may hold takes far more once it is decoded.
    """

    operation: str
    trace_id: str
    started_s: float
    duration_ms: float
    failed: bool
    has_segments: bool
    content: bytes
    index: int
    size: int

    def whole(self) -> Execution | None:
        """The execution with its segments; None where these are no good, which nobody has looked at before."""
        decoded = decode_record(self.content, _ANY, math.inf)
        refused = {index for one in decoded.rejected for index in one.indexes}
        place = self.index - sum(index < self.index for index in refused)
        if self.index in refused or place >= len(decoded.executions):
            return None
        found = decoded.executions[place]
        found.operation = self.operation
        return found


def recent_of(execution: ExecutionHead, content: bytes, index: int = 0, among: int = 1) -> RecentExecution:
    """An execution to be kept for a while.

    Parameters:
        content, index: see ``RecentExecution``.
        among: how many executions share the content.

    >>> one = b'{"application":"shop","operation":"GET /","started_at":9,"duration_ms":5,"segments":[]}'
    >>> [read] = decode_record(b"[" + one + b"]", Limits(), 10.0).executions
    >>> recent_of(read, b"[" + one + b"]").whole() == read
    True
    """
    segments = getattr(execution, "segments", ())
    return RecentExecution(
        *(execution.operation, execution.trace_id, execution.started_s, execution.duration_ms, execution.failed),
        has_segments=len(bytes(segments)) > 2 if isinstance(segments, msgspec.Raw) else len(segments) > 0,
        content=content,
        index=index,
        size=_OVERHEAD + len(content) // among + len(execution.trace_id),
    )


@dataclass(slots=True)
class _Ring:
    executions: deque[RecentExecution] = field(default_factory=deque)
    size: int = 0


class Recent:
    """The newest executions of all applications. Where they are too much, those that have most lose their oldest.

    Parameters:
        most_bytes: how much it may hold.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._rings: dict[ApplicationKey, _Ring] = {}
        self.size = 0

    def add(self, key: ApplicationKey, execution: RecentExecution) -> None:
        """The newest execution of an application."""
        size = execution.size
        if size > self._most // 8:
            return
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = _Ring()
        ring.executions.append(execution)
        ring.size += size
        self.size += size
        if self.size > self._most:
            self._cut()

    def of(self, key: ApplicationKey) -> Iterator[RecentExecution]:
        """The executions of an application, the newest first."""
        ring = self._rings.get(key)
        return iter(()) if ring is None else reversed(ring.executions)

    def _cut(self) -> None:
        """Let no application have more than a level at which all of them together have room again."""
        room, sizes = _KEPT_AFTER_CUT * self._most, sorted(ring.size for ring in self._rings.values())
        level = room
        for number, size in enumerate(sizes):
            level = room / (len(sizes) - number)
            if size > level:
                break
            room -= size
        for key, ring in list(self._rings.items()):
            while ring.size > level and ring.executions:
                size = ring.executions.popleft().size
                ring.size -= size
                self.size -= size
            if not ring.executions:
                del self._rings[key]
