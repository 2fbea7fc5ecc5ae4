"""Counts who calls whom from the executions that the join emits."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import chain

from tracehound.schemas.call_graph import WINDOW_S, Call, CallGraph, add_call
from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation

MOST_EDGES = 20_000
"""Edges counted before they are told early, whatever the interval."""

_Key = tuple[str, str]
_Edge = tuple[int, str, str, str]


class CallCounter:
    """Calls since the last telling, by caller and window of event time.

    Parameters:
        interval_ms: time of the sources' clocks between two tellings.
        told_ms: when the last one was.
    """

    def __init__(self, interval_ms: int, told_ms: int = 0) -> None:
        self._interval_ms = interval_ms
        self.told_ms = told_ms
        self._calls: dict[_Key, dict[_Edge, Call]] = {}
        self._edges = 0

    def count(self, executions: Sequence[Execution], others: Sequence[Execution] = ()) -> None:
        """Count the calls that these executions of one trace make; ``others`` may be called, and are not counted."""
        callees: dict[str | None, list[Execution]] = {}
        for execution in chain(executions, others) if others else executions:
            if parent_id := execution.parent_span_id:
                callees.setdefault(parent_id, []).append(execution)
        for execution in executions:
            if execution.segments:
                self._count(execution, callees)

    def due(self, watermark_ms: float) -> bool:
        """Whether it is time to tell."""
        return bool(self._calls) and (watermark_ms - self.told_ms >= self._interval_ms or self._edges >= MOST_EDGES)

    def tell(self, record_id: str, watermark_ms: float) -> list[CallGraph]:
        """A record for each caller, in the order of their names; counting begins anew."""
        told = [CallGraph(record_id, *key, list(calls.values())) for key, calls in sorted(self._calls.items())]
        self._calls, self._edges = {}, 0
        self.told_ms = int(max(self.told_ms, watermark_ms))
        return told

    def untold(self) -> list[CallGraph]:
        """What has been counted so far, for a checkpoint; counting on does not change it."""
        return [CallGraph("", *key, [copy(call) for call in calls.values()]) for key, calls in self._calls.items()]

    def restore(self, untold: Iterable[CallGraph]) -> None:
        """Go on from what ``untold`` gave."""
        for graph in untold:
            for call in graph.calls:
                self._add((graph.application, graph.environment), copy(call))

    def _count(self, execution: Execution, callees: Mapping[str | None, Sequence[Execution]]) -> None:
        calls: dict[_Edge, Call] | None = None
        window_start, operation = 0, ""
        for segment in execution.segments:
            peer = segment.peer
            if peer is None:
                continue
            if calls is None:
                calls = self._calls.setdefault((execution.application, execution.environment), {})
                window_start = int(execution.started_s // WINDOW_S) * WINDOW_S
                operation = normalize_operation(execution.operation)
            called = callees.get(segment.span_id)
            peer_operation = normalize_operation(_callee(peer, called).operation) if called else ""
            edge = (window_start, operation, peer, peer_operation)
            total = calls.get(edge)
            if total is None:
                total = calls[edge] = Call(*edge)
                self._edges += 1
            total.count += 1
            total.errors += segment.status == "error"
            total.caller_ms += segment.duration_ms
            if segment.remote_ms is not None:
                total.timed += 1
                total.timed_caller_ms += segment.duration_ms
                total.callee_ms += segment.remote_ms

    def _add(self, key: _Key, call: Call) -> None:
        edge = (call.window_start, call.operation, call.peer, call.peer_operation)
        calls = self._calls.setdefault(key, {})
        total = calls.get(edge)
        if total is None:
            calls[edge] = call
            self._edges += 1
        else:
            add_call(total, call)


def _callee(peer: str, called: Sequence[Execution]) -> Execution:
    """The one that a segment's ``peer`` names; where that is an address, the first."""
    for execution in called if len(called) > 1 else ():
        if execution.application == peer:
            return execution
    return called[0]
