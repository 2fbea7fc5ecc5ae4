"""The newest executions, whole, for as long as anomalies may still ask for them: bounded by bytes."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from tracehound.schemas.execution import ApplicationKey, ExecutionHead

_KEPT_AFTER_CUT = 0.9
_OVERHEAD = 900
"""About what an execution takes of memory beside its segments."""


@dataclass(slots=True)
class _Ring:
    executions: deque[tuple[ExecutionHead, int]] = field(default_factory=deque)
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

    def add(self, execution: ExecutionHead) -> None:
        """The newest execution of its application."""
        segments = getattr(execution, "segments", b"")
        size = _OVERHEAD + (len(segments) if isinstance(segments, msgspec.Raw) else 250 * len(segments))
        if size > self._most // 8:
            return
        key = (execution.application, execution.environment)
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = _Ring()
        ring.executions.append((execution, size))
        ring.size += size
        self.size += size
        if self.size > self._most:
            self._cut()

    def of(self, key: ApplicationKey) -> Iterator[ExecutionHead]:
        """The executions of an application, the newest first."""
        ring = self._rings.get(key)
        return iter(()) if ring is None else (execution for execution, _ in reversed(ring.executions))

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
                _, size = ring.executions.popleft()
                ring.size -= size
                self.size -= size
            if not ring.executions:
                del self._rings[key]
