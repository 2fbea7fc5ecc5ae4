"""Counts who calls whom, and who takes whose messages from which queue, from the executions that the join emits."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import chain

from tracehound.schemas.call_graph import WINDOW_S, Call, CallGraph, Edge, add_call, edge_of
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.operations import normalize_operation

MOST_EDGES = 20_000
"""Edges counted before they are told early, whatever the interval."""

_Key = tuple[str, str]
_Sent = tuple[Execution, Segment]


class CallCounter:
    """Calls since the last telling, by caller and window of event time.

    Parameters:
        interval_ms: time of the sources' clocks between two tellings.
        told_ms: when the last one was.
    """

    def __init__(self, interval_ms: int, told_ms: int = 0) -> None:
        self._interval_ms = interval_ms
        self.told_ms = told_ms
        self._calls: dict[_Key, dict[Edge, Call]] = {}
        self._edges = 0

    def count(self, executions: Sequence[Execution], others: Sequence[Execution] = ()) -> None:
        """Count the calls that these executions of one trace make; ``others`` may be called, and are not counted."""
        callees: dict[str | None, list[Execution]] = {}
        for execution in chain(executions, others) if others else executions:
            if parent_id := execution.parent_span_id:
                callees.setdefault(parent_id, []).append(execution)
        taken: list[Execution] = []
        for execution in executions:
            if execution.segments:
                self._count(execution, callees)
            if execution.kind == "consumer":
                taken.append(execution)
        if taken:
            sent = {
                segment.span_id: (execution, segment)
                for execution in chain(executions, others)
                for segment in execution.segments
                if segment.kind == "queue" and segment.span_id
            }
            for execution in taken:
                self._count_taken(execution, sent.get(execution.parent_span_id))

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
        calls: dict[Edge, Call] | None = None
        window_start, operation = 0, ""
        for segment in execution.segments:
            peer = segment.peer
            if peer is None:
                continue
            if calls is None:
                calls = self._calls.setdefault((execution.application, execution.environment), {})
                window_start = _window_of(execution)
                operation = normalize_operation(execution.operation)
            called = callees.get(segment.span_id, ())
            is_queue = segment.kind == "queue"
            callee = _callee(peer, called) if is_queue or len(called) > 1 else None
            if callee is None and called and not is_queue:
                callee = called[0]
            peer_operation = normalize_operation(callee.operation) if callee is not None else ""
            edge: Edge = (window_start, operation, peer, peer_operation, "call", "")
            if is_queue:
                edge = (*edge[:4], "messaging", _destination_of(callee) if callee is not None else peer)
            total = calls.get(edge) or self._total(calls, edge)
            duration_ms, remote_ms, count = segment.duration_ms, segment.remote_ms, segment.count
            total.count += count
            total.caller_ms += duration_ms
            if segment.status == "error":
                total.errors += count
            if remote_ms is not None:
                total.timed += count
                total.timed_caller_ms += duration_ms
                total.callee_ms += remote_ms

    def _count_taken(self, consumer: Execution, sent: _Sent | None) -> None:
        """Count the message that an execution worked on, if it has not been counted as a call of the consumer."""
        producer = destination = _destination_of(consumer)
        window_start, operation = _window_of(consumer), ""
        if sent is not None:
            execution, segment = sent
            if segment.peer == consumer.application:
                return
            producer, destination = execution.application, destination or segment.peer or ""
            window_start, operation = _window_of(execution), normalize_operation(execution.operation)
        if producer:
            calls = self._calls.setdefault((producer, consumer.environment), {})
            took = (consumer.application, normalize_operation(consumer.operation))
            total = self._total(calls, (window_start, operation, *took, "messaging", destination))
            total.count += 1
            total.errors += consumer.failed

    def _total(self, calls: dict[Edge, Call], edge: Edge) -> Call:
        total = calls.get(edge)
        if total is None:
            total = calls[edge] = Call(*edge[:4], kind=edge[4], destination=edge[5])
            self._edges += 1
        return total

    def _add(self, key: _Key, call: Call) -> None:
        edge = edge_of(call)
        calls = self._calls.setdefault(key, {})
        total = calls.get(edge)
        if total is None:
            calls[edge] = call
            self._edges += 1
        else:
            add_call(total, call)


def _window_of(execution: Execution) -> int:
    return int(execution.started_s // WINDOW_S) * WINDOW_S


def _destination_of(consumer: Execution) -> str:
    return "" if consumer.queue_wait is None else consumer.queue_wait.destination


def _callee(peer: str, called: Sequence[Execution]) -> Execution | None:
    """The one that a segment's ``peer`` names, which may be an address or a queue."""
    for execution in called:
        if execution.application == peer:
            return execution
    return None
