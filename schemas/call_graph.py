"""Who called whom, as intake counts it: a record of the call graph topic, and the sum of many."""

from collections.abc import Iterable
from copy import copy
from typing import Literal

import msgspec

from tracehound.schemas.execution import Count

WINDOW_S = 300
"""Calls are counted by the event time at which the caller's execution began, in windows of this many seconds."""


CallKind = Literal["call", "messaging"]


class Call(msgspec.Struct, omit_defaults=True):
    """Calls of one operation by one operation in one window of event time.

    ``window_start`` is epoch seconds. ``peer_operation`` is empty where the callee is known by its address only.
    ``caller_ms`` is the sum of durations on the caller's side, ``callee_ms`` that on the callee's side over the
    ``timed`` calls whose callee's own duration is known; ``timed_caller_ms`` is the caller's side of those, so
    that ``(timed_caller_ms - callee_ms) / timed`` is the mean call gap.

    ``kind`` is ``messaging`` where messages are sent and taken instead, by way of the queue ``destination`` (system and
    name, empty where nobody says it). A producer calls the queue: ``peer`` is ``destination``, and times are those of
    sending. And it leads to each consumer: ``peer`` is that application, ``count`` what it took, ``errors`` what of
    that failed there; no times. Where the producer of what was taken is not in the trace, that is counted as the
    queue's: ``CallGraph.application`` is ``destination``, and ``operation`` empty.
    """

    window_start: int
    operation: str
    peer: str
    peer_operation: str = ""
    count: Count = 0
    errors: Count = 0
    caller_ms: float = 0.0
    timed: Count = 0
    timed_caller_ms: float = 0.0
    callee_ms: float = 0.0
    kind: CallKind = "call"
    destination: str = ""


Edge = tuple[int, str, str, str, CallKind, str]
"""What calls are counted by."""


def edge_of(call: Call) -> Edge:
    """By what a call is told from others of its application."""
    return call.window_start, call.operation, call.peer, call.peer_operation, call.kind, call.destination


class CallGraph(msgspec.Struct, omit_defaults=True):
    """The value of ``call-graph.v1``: calls by one application that one partition of intake saw since its last record.

    ``application`` may be a queue's name, where a message's producer is not known.

    Records add up: the calls of a window are the sum over all records with different ``id``. A replay after a
    crash repeats ids with the same content.
    """

    id: str
    application: str
    environment: str = ""
    calls: list[Call] = []


def summed(records: Iterable[CallGraph]) -> dict[tuple[str, str], list[Call]]:
    """By (application, environment) the calls of all records, each id once, summed by window and operations.

    >>> one = CallGraph("0/7", "shop", "", [Call(0, "GET /cart", "stock", "GET /stock", 2, 0, 10.0)])
    >>> other = CallGraph("1/7", "shop", "", [Call(0, "GET /cart", "stock", "GET /stock", 3, 1, 20.0)])
    >>> [(call.count, call.errors, call.caller_ms) for call in summed([one, other, one])["shop", ""]]
    [(5, 1, 30.0)]
    """
    seen: set[tuple[str, str, str]] = set()
    totals: dict[tuple[str, str], dict[Edge, Call]] = {}
    for record in records:
        key = (record.id, record.application, record.environment)
        if key in seen:
            continue
        seen.add(key)
        calls = totals.setdefault((record.application, record.environment), {})
        for call in record.calls:
            edge = edge_of(call)
            total = calls.get(edge)
            if total is None:
                calls[edge] = copy(call)
            else:
                add_call(total, call)
    return {application: list(calls.values()) for application, calls in totals.items()}


def add_call(total: Call, call: Call) -> None:
    """Add the counts and durations of ``call`` to ``total``."""
    total.count += call.count
    total.errors += call.errors
    total.caller_ms += call.caller_ms
    total.timed += call.timed
    total.timed_caller_ms += call.timed_caller_ms
    total.callee_ms += call.callee_ms
