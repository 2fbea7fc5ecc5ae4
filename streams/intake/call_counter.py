"""Counts who calls whom, and who takes whose messages from which queue, from the executions that the join emits."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from tracehound.detectors.columns.known_texts import KnownTexts
from tracehound.detectors.columns.number_rows import NumberRows
from tracehound.detectors.columns.write_executions import (
    CALLEE_MS,
    CALLER_MS,
    COUNT,
    ERRORS,
    TIMED,
    TIMED_CALLER_MS,
)
from tracehound.schemas.call_graph import WINDOW_S, Call, CallGraph, Edge, add_call, edge_of
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.operations import normalize_operation

MOST_EDGES = 20_000
"""Edges counted before they are told early, whatever the interval."""

_Key = tuple[str, str]
_CallKey = tuple[str, str, int, str, str, str]
"""Application, environment, window, operation, peer, and its operation."""
_Sent = tuple[Execution, Segment]
_LEAST_ROWS = 64


class CallCounter:
    """Calls since the last telling, by caller and window of event time.

    Calls are counted in rows of numbers, to which kernels add as well (``detectors.columns.write_executions``);
    messages, of which there are fewer, one by one.

    Parameters:
        interval_ms: time of the sources' clocks between two tellings.
        told_ms: when the last one was.
    """

    def __init__(self, interval_ms: int, told_ms: int = 0) -> None:
        self._interval_ms = interval_ms
        self.told_ms = told_ms
        self._messages: dict[_Key, dict[Edge, Call]] = {}
        self._edges = 0
        self._texts, self._owns_texts = KnownTexts(), True
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._rows = NumberRows()
        self._known: dict[_CallKey, int] = {}
        self._whole, self._sums = np.zeros((_LEAST_ROWS, 3), np.int64), np.zeros((_LEAST_ROWS, 3))
        self._view()

    def _view(self) -> None:
        # (numbers are read and written through a view in a third of the time)
        self._own_whole: Any = self._whole.data
        self._own_sums: Any = self._sums.data

    def number_by(self, texts: KnownTexts) -> None:
        """Count by the numbers of these texts from now on."""
        untold = self.untold()
        self._texts, self._owns_texts, self._messages, self._edges = texts, False, {}, 0
        self._begin_anew()
        self.restore(untold)

    def arrays(self, more: int) -> tuple[Any, ...]:
        """What kernels count in, with room for so many calls more."""
        self._rows.make_room(more)
        wanted = len(self._rows) + more
        if wanted > len(self._whole):
            missing = max(wanted, 2 * len(self._whole)) - len(self._whole)
            self._whole = np.concatenate([self._whole, np.zeros((missing, 3), np.int64)])
            self._sums = np.concatenate([self._sums, np.zeros((missing, 3))])
            self._view()
        return self._rows.places, self._rows.keys, self._rows.count, self._whole, self._sums

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
        edges = self._edges + len(self._rows)
        return edges > 0 and (watermark_ms - self.told_ms >= self._interval_ms or edges >= MOST_EDGES)

    def tell(self, record_id: str, watermark_ms: float) -> list[CallGraph]:
        """A record for each caller, in the order of their names; counting begins anew."""
        told = [CallGraph(record_id, *key, calls) for key, calls in sorted(self._all().items(), key=itemgetter(0))]
        self._messages, self._edges = {}, 0
        if self._owns_texts and len(self._texts.texts) > MOST_EDGES:
            self._texts = KnownTexts()
        self._begin_anew()
        self.told_ms = int(max(self.told_ms, watermark_ms))
        return told

    def untold(self) -> list[CallGraph]:
        """What has been counted so far, for a checkpoint; counting on does not change it."""
        return [CallGraph("", *key, [copy(call) for call in calls]) for key, calls in self._all().items()]

    def restore(self, untold: Iterable[CallGraph]) -> None:
        """Go on from what ``untold`` gave."""
        for graph in untold:
            for call in graph.calls:
                self._add((graph.application, graph.environment), copy(call))

    def _all(self) -> dict[_Key, list[Call]]:
        found: dict[_Key, list[Call]] = {}
        texts, count = self._texts.texts, len(self._rows)
        rows = zip(*(each[:count].tolist() for each in (self._rows.keys, self._whole, self._sums)), strict=True)
        for (service, environment, window, operation, peer, peer_operation), whole, sums in rows:
            call = Call(window, texts[operation], texts[peer], texts[peer_operation])
            call.count, call.errors, call.timed = whole
            call.caller_ms, call.timed_caller_ms, call.callee_ms = sums
            found.setdefault((texts[service], texts[environment]), []).append(call)
        for key, calls in self._messages.items():
            found.setdefault(key, []).extend(calls.values())
        return found

    def _row(self, key: _CallKey) -> int:
        row = self._known.get(key)
        if row is None:
            self.arrays(1)
            application, environment, window, *texts = key
            number = self._texts.number
            row = self._rows.row((number(application), number(environment), window, *map(number, texts)))
            self._known[key] = row
        return row

    def _count(self, execution: Execution, callees: Mapping[str | None, Sequence[Execution]]) -> None:
        window_start, operation = -1, ""
        key: _Key = (execution.application, execution.environment)
        for segment in execution.segments:
            peer = segment.peer
            if peer is None:
                continue
            if window_start < 0:
                window_start = _window_of(execution)
                operation = normalize_operation(execution.operation)
            called = callees.get(segment.span_id, ())
            is_queue = segment.kind == "queue"
            callee = _callee(peer, called) if is_queue or len(called) > 1 else None
            if callee is None and called and not is_queue:
                callee = called[0]
            peer_operation = normalize_operation(callee.operation) if callee is not None else ""
            if is_queue:
                destination = _destination_of(callee) if callee is not None else peer
                edge: Edge = (window_start, operation, peer, peer_operation, "messaging", destination)
                calls = self._messages.setdefault(key, {})
                _count_message(calls.get(edge) or self._total(calls, edge), segment)
            else:
                self._count_call(self._row((*key, window_start, operation, peer, peer_operation)), segment)

    def _count_call(self, row: int, segment: Segment) -> None:
        whole, sums, count = self._own_whole, self._own_sums, segment.count
        whole[row, COUNT] += count
        sums[row, CALLER_MS] += segment.duration_ms
        if segment.status == "error":
            whole[row, ERRORS] += count
        if segment.remote_ms is not None:
            whole[row, TIMED] += count
            sums[row, TIMED_CALLER_MS] += segment.duration_ms
            sums[row, CALLEE_MS] += segment.remote_ms

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
            calls = self._messages.setdefault((producer, consumer.environment), {})
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
        if call.kind == "call" and not call.destination:
            row = self._row((*key, call.window_start, call.operation, call.peer, call.peer_operation))
            whole = (call.count, call.errors, call.timed)
            sums = (call.caller_ms, call.timed_caller_ms, call.callee_ms)
            for column in range(3):
                self._own_whole[row, column] += whole[column]
                self._own_sums[row, column] += sums[column]
            return
        edge = edge_of(call)
        calls = self._messages.setdefault(key, {})
        total = calls.get(edge)
        if total is None:
            calls[edge] = call
            self._edges += 1
        else:
            add_call(total, call)


def _count_message(total: Call, segment: Segment) -> None:
    total.count += segment.count
    total.caller_ms += segment.duration_ms
    if segment.status == "error":
        total.errors += segment.count
    if segment.remote_ms is not None:
        total.timed += segment.count
        total.timed_caller_ms += segment.duration_ms
        total.callee_ms += segment.remote_ms


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
