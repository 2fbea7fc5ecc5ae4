"""What came of a trace: when it was closed, or executions of it had settled."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import msgspec

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import TraceChunk
from tracehound.streams.intake.assembly.assemble import Assembled
from tracehound.streams.intake.columned.written import Written
from tracehound.streams.intake.join_rules import CloseReason

Told = Execution | Written
_START = attrgetter("started_at")  # (a number after ``assemble``)
_PLACE = attrgetter("started_at", "trace_id", "span_id")


class Closing(msgspec.Struct):
    """What closing one trace gave; while it is ``running``, the executions that have settled.

    ``cyclic`` holds the pieces of a trace that cannot be put together, since spans are each other's ancestors
    or for the reason in ``why``. ``unreadable`` counts pieces that are no ``TraceChunk``; the others make up the trace.
    ``outlasting`` are spans that came after their execution was told, ``others`` executions of the trace that are told
    before or after. ``column`` is its number where it was joined in columns (-1: as objects), ``written`` and
    ``clipped_there`` are then how many executions and clipped calls it has, and ``pieces`` what it was made of.
    """

    trace_id: str
    reason: CloseReason | Literal["running"]
    late: bool
    spans: int
    assembled: Assembled
    cyclic: Sequence[TraceChunk] = ()
    unreadable: int = 0
    outlasting: int = 0
    others: Sequence[Execution] = ()
    why: str = ""
    marks: bytes = b""
    column: int = -1
    written: int = 0
    clipped_there: int = 0
    pieces: Sequence[msgspec.Raw] = ()

    @property
    def clipped(self) -> int:
        """How many calls have a callee whose span ended after the caller's: all of their time is its time."""
        count = self.clipped_there
        for execution in self.assembled.executions:
            for segment in execution.segments:
                if segment.remote_ms is not None and segment.remote_ms == segment.duration_ms:
                    count += 1
        return count


def encoded(execution: Told) -> bytes:
    """An execution as JSON."""
    return execution.encoded if isinstance(execution, Written) else encode(execution)


def in_order(executions: list[Told]) -> list[Told]:
    """The executions of several traces by start, trace and span id: what one record led to."""
    # Few begin together, and numbers are compared much faster than places.
    executions.sort(key=_START if len(set(map(_START, executions))) == len(executions) else _PLACE)
    return executions
