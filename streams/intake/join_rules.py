"""When the executions of a trace are told, and when it is closed."""

from dataclasses import dataclass
from typing import Literal

CloseReason = Literal["complete", "incomplete", "endless", "oversized", "memory"]
CLOSE_REASONS: tuple[CloseReason, ...] = ("complete", "incomplete", "endless", "oversized", "memory")

_FIRST_STEP = 3


@dataclass(frozen=True, slots=True)
class JoinRules:
    """When traces are told and closed. Times are of the sources' clocks, in milliseconds; bytes are per partition.

    A trace is closed when every source has been read ``wait_ms`` beyond its last span and no inner span's parent is
    missing. Until then executions are told one by one, each ``wait_ms`` after the last of its own spans came, or
    ``incomplete_wait_ms`` where an inner span of its service and time still has no parent; that is looked at in steps
    of half of ``wait_ms``. ``incomplete_wait_ms`` after its first span all that is left of a trace are spans whose
    parents are missing: these are kept, up to ``long_bytes``, until ``max_trace_ms`` after the first span.

    A trace is closed at once with ``max_trace_spans`` spans, or as the oldest when the buffer is full
    (``buffer_bytes``). Closed traces are remembered for ``memory_ms``; what still comes of them is late and makes up a
    trace of its own, but for what was in them.
    """

    wait_ms: int = 10_000
    incomplete_wait_ms: int = 60_000
    max_trace_ms: int = 900_000
    max_trace_spans: int = 20_000
    buffer_bytes: int = 32_000_000
    long_bytes: int = 1_000_000
    memory_ms: int = 60_000
    patience_ms: int = 60_000

    @property
    def step_ms(self) -> int:
        """Time between two looks at an open trace."""
        return max(1, self.wait_ms // 2)

    def next_step_ms(self, first_ms: int, after_ms: float) -> int:
        """When a trace that began at ``first_ms`` is next looked at after ``after_ms``; most are closed before that."""
        steps = (after_ms - first_ms) // self.step_ms + 1 if after_ms > first_ms else 0
        return first_ms + max(_FIRST_STEP, int(steps)) * self.step_ms

    def put_by_ms(self, first_ms: int) -> int:
        """The step at which what is left of a trace is put by."""
        return self.next_step_ms(first_ms, first_ms + self.incomplete_wait_ms - 1)
