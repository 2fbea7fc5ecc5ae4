"""What the callees' spans tell of a call: how long they took themselves, and whether anybody waited for them."""

import math
from collections.abc import Sequence

from tracehound.schemas.execution import Segment
from tracehound.schemas.spans import Span
from tracehound.streams.intake.assembly.segment_kinds import kind_of, segment_kind

SYNCHRONOUS_TOLERANCE_US = 1_000.0
"""How much longer than the caller's side a callee may seem, by rounding, and still count as synchronous."""


def callees_ms(spans: Sequence[Span], caller: Span, callees: Sequence[int]) -> float | None:
    """The callees' own time within the call that a span records, None where it cannot have waited for it.

    A client that a library calls so waits for the server that is called so: where that ends later (it answered, or was
    given up), the call's whole time is the callee's.
    """
    if len(callees) == 1:
        own_us = spans[callees[0]].duration_us
    else:
        own_us = _union_us([(spans[callee].offset_us, spans[callee].duration_us) for callee in callees])
    known_ms = _waited_for_ms(caller.duration_us, own_us)
    if known_ms is None and caller.kind == "client" and all(is_described_server(spans[callee]) for callee in callees):
        return caller.duration_us / 1e3
    return known_ms


def is_described_server(span: Span) -> bool:
    """Whether attributes say what kind of call the span of a server answers."""
    return span.kind == "server" and span.segment is not None


def unseen_call(caller: Span, callee: Span, waited_for: bool) -> Segment:
    """A segment for a callee right below an execution, with no span of the caller's for the call."""
    return Segment(
        name=callee.operation,
        duration_ms=callee.duration_us / 1e3,
        kind=segment_kind(callee.operation, callee.component, remote=True),
        offset_ms=_offset_ms(caller, callee, waited_for),
        status="unset" if callee.is_error is None else "error" if callee.is_error else "ok",
        peer=callee.service,
    )


def forwarded_call(caller: Span, callee: Span) -> Segment:
    """The same where that is all that the caller does (an ingress, a proxy): its time is that of the call.

    So the time between the two is the gap of the call, and not the caller's own.
    """
    call = unseen_call(caller, callee, waited_for=True)
    call.kind = kind_of(callee)
    call.offset_ms = 0.0
    call.duration_ms = caller.duration_us / 1e3
    call.remote_ms = min(callee.duration_us, caller.duration_us) / 1e3
    return call


def _offset_ms(caller: Span, callee: Span, waited_for: bool) -> float | None:
    """When the callee began: within its caller if that waited for it, whatever the clocks of their hosts say."""
    if callee.offset_us is None:
        return None
    offset_us = callee.offset_us - (caller.offset_us or 0.0)
    if not waited_for:
        return offset_us / 1e3
    room_us = caller.duration_us - callee.duration_us
    latest_us = room_us if room_us >= 0 else caller.duration_us
    return min(max(offset_us, 0.0), latest_us) / 1e3


def remote_ms(caller_us: float, callees: Sequence[tuple[float | None, float]]) -> float | None:
    """The callees' own time within one call, in milliseconds; None where the caller cannot have waited for it.

    Parameters:
        caller_us: duration on the caller's side, in microseconds.
        callees: offset (None: not known) and duration of each callee's entry span, in microseconds.

    >>> remote_ms(9_000.0, [(0.0, 5_000.0), (3_000.0, 4_000.0)])
    7.0
    """
    own_us = callees[0][1] if len(callees) == 1 else _union_us(callees)
    return _waited_for_ms(caller_us, own_us)


def _waited_for_ms(caller_us: float, own_us: float) -> float | None:
    return None if own_us > caller_us + SYNCHRONOUS_TOLERANCE_US else own_us / 1e3


def _union_us(callees: Sequence[tuple[float | None, float]]) -> float:
    timed = sorted((offset, offset + duration) for offset, duration in callees if offset is not None)
    total = sum(duration for offset, duration in callees if offset is None)
    reached = -math.inf
    for begin, end in timed:
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
