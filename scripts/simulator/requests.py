"""Runs one request after the other through a system: its executions, with durations drawn at random."""

import math
import random
from collections.abc import Iterator
from typing import Final

import numpy as np

from tracehound.schemas.execution import Execution, ExecutionFailure, Segment
from tracehound.scripts.simulator.system import FIRST_VERSION, Operation, Step, System

ENVIRONMENT: Final = "production"
PROPAGATION = 0.5
"""Probability that a failed call makes its caller fail too."""
REFUSED_MS = 1.0
"""How long a call to a silent application takes to be refused."""
USUAL_FAILURES: Final = (
    ExecutionFailure("TimeoutError", "no answer within the limit"),
    ExecutionFailure("ValueError", "unexpected value"),
    ExecutionFailure("OSError", "broken pipe"),
)
CALL_FAILED: Final = ExecutionFailure("CalleeFailed", "a call failed")
MEMORY_SPREAD = 0.03
HOSTS = 3
_BLOCK = 4096
_SUFFIXES: Final = tuple(f"{number:04x}" for number in range(65_536))


class Queue:
    """An application that gets one execution done in so many milliseconds: the work that waits, and since when.

    >>> queue = Queue()
    >>> [queue.wait_ms(at_s, 100.0) for at_s in (10.0, 10.05, 10.3)]
    [0.0, 50.0, 0.0]
    """

    __slots__ = ("_at_s", "_backlog_ms")

    def __init__(self) -> None:
        self._at_s = 0.0
        self._backlog_ms = 0.0

    def wait_ms(self, at_s: float, work_ms: float) -> float:
        """How long an execution that arrives at ``at_s`` waits; its work then waits for those after it."""
        passed_ms = max(0.0, (at_s - self._at_s) * 1e3)
        waiting_ms = round(max(0.0, self._backlog_ms - passed_ms), 6)
        self._at_s, self._backlog_ms = max(self._at_s, at_s), waiting_ms + work_ms
        return waiting_ms


class Requests:
    """Draws requests; the same seed and the same sequence of calls give the same executions."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(f"{seed} requests").random
        self._normal = _normals(seed).__next__
        self._bits = random.Random(f"{seed} trace ids").getrandbits
        self._queues: dict[str, Queue] = {}
        self._hosts: dict[str, tuple[str, ...]] = {}
        self._system = System({}, ())
        self._pace = 1.0
        self._trace_id, self._prefix = "", ""
        self._spans = 0
        self._executions: list[Execution] = []

    def run(self, system: System, application: str, operation: str, at_s: float, pace: float = 1.0) -> list[Execution]:
        """The executions of one request, callers before callees; none when its application is silent.

        All durations that are drawn are multiplied by ``pace``.
        """
        self._system, self._pace, self._executions = system, pace, []
        if application in system.silent:
            return []
        self._trace_id = f"{self._bits(128):032x}"
        self._prefix, self._spans = self._trace_id[:12], 0
        self._execute(application, operation, at_s, "")
        if self._happens_elsewhere(application):
            return []
        return self._executions

    def _execute(self, application: str, name: str, start_s: float, parent_span_id: str) -> Execution:
        system, operation = self._system, self._system.applications[application][name]
        leaked_mb = operation.leak_mb_per_s * max(0.0, start_s - operation.leak_since_s)
        execution = Execution(
            application=application,
            operation=name,
            started_at=start_s,
            duration_ms=0.0,
            trace_id=self._trace_id,
            span_id=self._span_id(),
            parent_span_id=parent_span_id,
            kind=operation.kind,
            environment=ENVIRONMENT,
            version=system.versions.get(application, FIRST_VERSION),
            host=self._host(application),
            memory_peak_mb=operation.memory_mb * (1.0 + MEMORY_SPREAD * abs(self._normal())) + leaked_mb,
            segments=[],
        )
        self._executions.append(execution)
        wait_ms = 0.0
        if operation.served_every_ms:
            wait_ms = self._queues.setdefault(application, Queue()).wait_ms(start_s, operation.served_every_ms)
        failed_call = self._take_steps(execution, operation, wait_ms)
        self._finish(execution, operation, failed_call)
        return execution

    def _take_steps(self, execution: Execution, operation: Operation, wait_ms: float) -> bool:
        steps = operation.steps
        if operation.detour_share and self._random() < operation.detour_share:
            steps = operation.detour
        share_ms = self._lognormal(operation.median_ms, operation.spread) / (len(steps) + 1)
        clock_ms, failed = wait_ms + share_ms, False
        for step in steps:
            if step.probability < 1.0 and self._random() >= step.probability:
                continue
            for _ in range(step.repeats):
                segment = self._take(execution, step, clock_ms)
                execution.segments.append(segment)
                clock_ms += segment.duration_ms
                failed = failed or segment.status == "error"
            clock_ms += share_ms
        execution.duration_ms = clock_ms
        return failed

    def _take(self, execution: Execution, step: Step, offset_ms: float) -> Segment:
        duration_ms = self._lognormal(step.median_ms, step.spread) + step.added_ms
        span_id = self._span_id()
        segment = Segment(step.name, duration_ms, step.kind, offset_ms, None, "ok", step.peer, span_id)
        if step.operation is None or step.peer is None:
            return segment
        if step.peer in self._system.silent:
            segment.duration_ms, segment.status = REFUSED_MS, "error"
            return segment
        before = len(self._executions)
        callee = self._execute(step.peer, step.operation, _begin_s(execution, offset_ms + duration_ms / 2), span_id)
        segment.duration_ms += callee.duration_ms
        if callee.failed:
            segment.status = "error"
        if self._happens_elsewhere(step.peer):
            del self._executions[before:]
        else:
            segment.remote_ms = callee.duration_ms
        return segment

    def _finish(self, execution: Execution, operation: Operation, failed_call: bool) -> None:
        execution.error = self._failure(operation)
        if execution.error is None and failed_call:
            refused = any(segment.peer in self._system.silent for segment in execution.segments)
            if refused or self._random() < PROPAGATION:
                execution.error = CALL_FAILED
        execution.status = "ok" if execution.error is None else "error"

    def _failure(self, operation: Operation) -> ExecutionFailure | None:
        for chance, failure in operation.failures:
            if self._random() < chance:
                return failure
        if self._random() < operation.error_rate:
            return USUAL_FAILURES[int(self._random() * len(USUAL_FAILURES))]
        return None

    def _happens_elsewhere(self, application: str) -> bool:
        share = self._system.elsewhere.get(application, 0.0)
        return share > 0.0 and self._random() < share

    def _host(self, application: str) -> str:
        names = self._hosts.get(application)
        if names is None:
            names = self._hosts[application] = tuple(f"{application}-{number}" for number in range(HOSTS))
        return names[int(self._random() * HOSTS)]

    def _span_id(self) -> str:
        self._spans += 1
        return self._prefix + _SUFFIXES[self._spans & 0xFFFF]

    def _lognormal(self, median: float, spread: float) -> float:
        return median * self._pace * math.exp(spread * self._normal())


def _begin_s(execution: Execution, offset_ms: float) -> float:
    return execution.started_s + offset_ms / 1e3


def _normals(seed: int | str) -> Iterator[float]:
    """Standard normal values without end, drawn in blocks."""
    generator = np.random.default_rng(random.Random(f"{seed} durations").getrandbits(64))
    while True:
        yield from generator.standard_normal(_BLOCK).tolist()
