"""Turns the spans of a trace into executions: one pure function for replay, benchmarks and intake."""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution, ExecutionKind, Segment, SegmentKind, Status
from tracehound.schemas.spans import Resource, Span

ROOT = -1
"""Parent index of a span that starts a trace."""
PARENT_NOT_RECORDED = -2
"""Parent index of a span whose parent is missing from the recording."""
ENTRY_KINDS = ("server", "consumer")
"""What tracing libraries call spans that begin an execution."""
SYNCHRONOUS_TOLERANCE_US = 1_000.0
"""How much longer than the caller's side a callee may seem, by rounding, and still count as synchronous."""


class Trace(msgspec.Struct):
    """One trace: start in epoch microseconds, spans in any order, and the root's status where it is known."""

    trace_id: str
    start_us: float
    spans: list[Span]
    status: Literal["ok", "error", "unset"] | None = None


_DB = re.compile(
    r"^(select|insert|update|delete|merge|replace|upsert|begin|commit|rollback)\b|^sql\.|^(mongo|mysql|postgres|jdbc|h2/)"
    r"|repository\b|^transaction\.|^session\.(find|merge|persist)",
    re.IGNORECASE,
)
_CACHE = re.compile(r"redis|memcache|^cache\b", re.IGNORECASE)
_QUEUE = re.compile(
    r"rabbit|kafka|amqp|activemq|rocketmq|/(queue|topic)/|\b(send|publish|receive|process)$", re.IGNORECASE
)
_DB_COMPONENT = re.compile(r"mongo|jdbc|mysql|postgres|mariadb|sqlite|cassandra|oracle|sqlserver", re.IGNORECASE)
_VIEW = re.compile(r"\b(render|template|view)\b", re.IGNORECASE)
_RPC = re.compile(r"^grpc\b|^/?[A-Za-z_][\w.]*\.[A-Z]\w*/\w+$")
_HTTP = re.compile(
    r"^https?\b|^(get|post|put|patch|delete|head|options) /|^\{(get|post|put|patch|delete|head)\}|^/",
    re.IGNORECASE,
)


@lru_cache(maxsize=50_000)
def segment_kind(operation: str, component: str | None = None, remote: bool = False) -> SegmentKind:
    """The kind of a segment, guessed from the span's name, the library and whether it calls a service.

    >>> segment_kind("SELECT ts.trip"), segment_kind("HTTP POST", remote=True), segment_kind("Cart.total")
    ('db', 'http', 'code')
    >>> segment_kind("hipstershop.CartService/GetCart", remote=True)
    'rpc'
    """
    library = component or ""
    patterns: tuple[tuple[SegmentKind, bool], ...] = (
        ("cache", bool(_CACHE.search(operation) or _CACHE.search(library))),
        ("queue", bool(_QUEUE.search(operation) or _QUEUE.search(library))),
        ("http", bool(re.match(r"^(get|post|put|patch|delete|head|options) /", operation, re.IGNORECASE))),
        ("db", not remote and bool(_DB.search(operation) or _DB_COMPONENT.search(library))),
        ("rpc", bool(_RPC.search(operation) or "grpc" in library.lower()) and remote),
        ("http", bool(_HTTP.search(operation)) or remote),
        ("view", bool(_VIEW.search(operation))),
    )
    return next((kind for kind, fits in patterns if fits), "code")


def span_id(index: int) -> str:
    """The id of the span at ``index`` of its trace where the recording has none: 16 hexadecimal digits."""
    return f"{index + 1:016x}"


def executions_of(trace: Trace) -> list[Execution]:
    """The executions of a trace, in the order of their entry spans in ``trace.spans``.

    An *entry span* is one whose parent is of another service, is not recorded, or does not exist, or that a
    tracing library calls a server's or consumer's; each begins one execution of its service, except for
    orphans (``is_orphan``). The spans below it that stay in that service are its segments, in order of start
    (without offsets: in the recorded order), an enclosing span always before those in it. Spans that start
    together are ordered by duration, id and place, so the order of spans with ids does not matter.

    A segment with entry spans below it is a *remote* segment: ``peer`` is the first callee's service, and
    ``remote_ms`` the duration of the callee's entry span. Several callees count as the union of their
    intervals (without offsets: one after the other). A caller that did not wait (a message to a queue, or a
    callee that took longer than the caller's side by more than ``SYNCHRONOUS_TOLERANCE_US``) gets no
    ``remote_ms``. A callee directly below an execution's entry span, with no client span between, becomes a
    segment (after the others) with the callee's own duration and no ``remote_ms``.

    Clocks of hosts differ. Durations, and so ``remote_ms`` of a single callee and every call gap, do not
    depend on that, nor do offsets of an execution's own spans, which one host has measured. A callee without
    a client span is moved as little as needed to lie within its caller. ``started_at`` is the callee's clock.

    Raises:
        InvalidExecutionError: a span has no service or operation, a parent that does not exist, a negative or
            infinite duration, or lies on a cycle of parents; the message names trace, span and value.
    """
    spans = trace.spans
    _check(trace)
    owners = _owners(trace)
    members: dict[int, list[int]] = {entry: [] for entry in range(len(spans)) if owners[entry] == entry}
    callees: dict[int, list[int]] = {}
    for index, owner in enumerate(owners):
        if owner != index:
            members[owner].append(index)
        elif spans[index].parent >= 0:
            callees.setdefault(spans[index].parent, []).append(index)
    for called in callees.values():
        if len(called) > 1:
            called.sort(key=lambda index: _by_start(spans[index], index))
    return [
        _execution(trace, entry, inside, callees) for entry, inside in members.items() if not is_orphan(spans[entry])
    ]


def is_orphan(span: Span) -> bool:
    """Whether the span is surely part of an execution whose beginning is missing.

    So says a tracing library that calls it neither a server's nor a consumer's while its parent, in the same
    process as far as known, was not recorded. Its name is no operation, so no execution begins with it.
    """
    inner = span.kind is not None and span.kind not in ENTRY_KINDS
    return inner and span.parent == PARENT_NOT_RECORDED and not span.remote_parent


def _by_start(span: Span, index: int) -> tuple[float, float, str, int]:
    return (math.inf if span.offset_us is None else span.offset_us, -span.duration_us, span.id, index)


def _check(trace: Trace) -> None:
    count = len(trace.spans)
    for index, span in enumerate(trace.spans):
        offset_us = span.offset_us
        if (
            0 < len(span.service) <= 200
            and 0 < len(span.operation) <= 1000
            and 0 <= span.duration_us < math.inf
            and (offset_us is None or -math.inf < offset_us < math.inf)
            and PARENT_NOT_RECORDED <= span.parent < count
        ):
            continue
        raise InvalidExecutionError(
            f"Span {index} of trace {trace.trace_id!r} must have {_requirement_missed(span, count)}."
        )


def _requirement_missed(span: Span, count: int) -> str:
    if not 0 < len(span.service) <= 200:
        return f"a service of 1 to 200 characters, got {span.service[:200]!r}"
    if not 0 < len(span.operation) <= 1000:
        return f"an operation of 1 to 1000 characters, got {span.operation[:80]!r}"
    if not 0 <= span.duration_us < math.inf:
        return f"a finite duration of at least 0, got {span.duration_us!r}"
    if span.offset_us is not None and not -math.inf < span.offset_us < math.inf:
        return f"a finite offset, got {span.offset_us!r}"
    return f"a parent from {PARENT_NOT_RECORDED} to {count - 1}, got {span.parent!r}"


def _owners(trace: Trace) -> list[int]:
    """For each span the index of the entry span of its execution."""
    spans, unknown = trace.spans, -1
    owners = [unknown] * len(spans)
    for start in range(len(spans)):
        if owners[start] != unknown:
            continue
        path: list[int] = []
        at = start
        while owners[at] == unknown:
            path.append(at)
            span = spans[at]
            parent = span.parent
            if parent < 0 or span.kind in ENTRY_KINDS or spans[parent].service != span.service:
                owners[at] = at
                break
            at = parent
            if len(path) > len(spans):
                raise InvalidExecutionError(f"Span {start} of trace {trace.trace_id!r} lies on a cycle of parents.")
        owner = owners[at]
        for index in path:
            owners[index] = owner
    _check_reaches_a_root(trace, owners)
    return owners


def _check_reaches_a_root(trace: Trace, owners: Sequence[int]) -> None:
    """Raise when entry spans of different services are each other's ancestors."""
    spans = trace.spans
    done = [False] * len(owners)
    for start in owners:
        path: list[int] = []
        at = start
        while at >= 0 and not done[at]:
            if len(path) > len(owners):
                raise InvalidExecutionError(f"Span {start} of trace {trace.trace_id!r} lies on a cycle of parents.")
            path.append(at)
            parent = spans[at].parent
            at = owners[parent] if parent >= 0 else ROOT
        for index in path:
            done[index] = True


def _execution(trace: Trace, entry: int, inside: Sequence[int], callees: dict[int, list[int]]) -> Execution:
    spans = trace.spans
    span = spans[entry]
    start_us = span.offset_us or 0.0
    segments: list[Segment] = []
    if inside:
        order = _in_order(spans, entry, inside)
        position = {index: place for place, index in enumerate(order)}
        segments = [_segment(spans, index, start_us, position, callees.get(index, ())) for index in order]
    segments += [_unseen_call(spans, span, spans[callee]) for callee in callees.get(entry, ())]
    known = trace.status if span.parent == ROOT and span.is_error is None else None
    resource = span.resource or _UNKNOWN
    return Execution(
        application=span.service,
        operation=span.operation,
        started_at=(trace.start_us + start_us) / 1e6,
        duration_ms=span.duration_us / 1e3,
        trace_id=trace.trace_id,
        span_id=_id_at(spans, entry),
        parent_span_id=_parent_id_of(spans, span),
        kind=_execution_kind(spans, span),
        status=known or _status(span),
        result=span.result,
        environment=resource.environment,
        version=resource.version,
        host=resource.host,
        error=span.error,
        segments=segments,
    )


_UNKNOWN = Resource("")


def _id_at(spans: Sequence[Span], index: int) -> str:
    return spans[index].id or span_id(index)


def _parent_id_of(spans: Sequence[Span], span: Span) -> str:
    if span.parent >= 0:
        return _id_at(spans, span.parent)
    return "" if span.parent_id == span.id else span.parent_id


def _execution_kind(spans: Sequence[Span], span: Span) -> ExecutionKind:
    if span.kind is not None and span.parent < 0:
        return "consumer" if span.kind == "consumer" else "request" if span.kind == "server" else "job"
    if span.kind == "consumer":
        return "consumer"
    if span.parent >= 0 and _segment_kind_of(spans[span.parent]) == "queue":
        return "consumer"
    return "request"


def _segment_kind_of(span: Span, remote: bool = False) -> SegmentKind:
    return span.segment or segment_kind(span.operation, span.component, remote)


def _in_order(spans: Sequence[Span], entry: int, inside: Sequence[int]) -> Sequence[int]:
    """By start (the recorded order where one is not known), but never before the enclosing span."""
    if len(inside) == 1:
        return inside
    starts: list[tuple[float, float, str, int]] = []
    for index in inside:
        span = spans[index]
        if span.offset_us is None:
            break
        starts.append((span.offset_us, -span.duration_us, span.id, index))
    else:
        starts.sort()
        inside = [start[3] for start in starts]
    order: list[int] = []
    placed = {entry}
    for index in inside:
        path = []
        while index not in placed:
            path.append(index)
            placed.add(index)
            index = spans[index].parent  # (climbs to the first span that has its place)
        order += reversed(path)
    return order


def _segment(
    spans: Sequence[Span], index: int, start_us: float, position: dict[int, int], callees: Sequence[int]
) -> Segment:
    span = spans[index]
    duration_us, offset_us = span.duration_us, span.offset_us
    kind = span.segment or segment_kind(span.operation, span.component, bool(callees))
    called_ms: float | None = None
    peer = span.peer
    if callees:
        peer = spans[callees[0]].service
        if kind != "queue":
            called_ms = remote_ms(duration_us, _sides(spans, callees))
    return Segment(
        span.operation,
        duration_us / 1e3,
        kind,
        None if offset_us is None else (offset_us - start_us) / 1e3,
        position.get(span.parent),
        _status(span),
        peer,
        span.id or span_id(index),
        called_ms,
    )


def _sides(spans: Sequence[Span], callees: Sequence[int]) -> list[tuple[float | None, float]]:
    return [(spans[callee].offset_us, spans[callee].duration_us) for callee in callees]


def _unseen_call(spans: Sequence[Span], caller: Span, callee: Span) -> Segment:
    waited_for = _execution_kind(spans, callee) != "consumer"
    return Segment(
        name=callee.operation,
        duration_ms=callee.duration_us / 1e3,
        kind=segment_kind(callee.operation, callee.component, remote=True),
        offset_ms=_offset_ms(caller, callee, waited_for),
        status=_status(callee),
        peer=callee.service,
    )


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
    return None if own_us > caller_us + SYNCHRONOUS_TOLERANCE_US else own_us / 1e3


def _union_us(callees: Sequence[tuple[float | None, float]]) -> float:
    timed = sorted((offset, offset + duration) for offset, duration in callees if offset is not None)
    total = sum(duration for offset, duration in callees if offset is None)
    reached = -math.inf
    for begin, end in timed:
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _status(span: Span) -> Status:
    return "unset" if span.is_error is None else "error" if span.is_error else "ok"
