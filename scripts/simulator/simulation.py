"""Runs requests through the simulated applications: a seeded, endless stream of consistent executions."""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from schemas.execution import Execution, ExecutionFailure, Segment
from scripts.simulator.applications import ENVIRONMENT, Operation, Step, System
from scripts.simulator.faults import Fault

DAY_S = 86_400.0
BUSIEST = 1.5
"""The most traffic of any time of day, relative to the average."""
PROPAGATION = 0.5
"""Probability that a failed call makes its caller fail too."""
REFUSED_MS = 1.0
"""How long a call to a silent application takes to be refused."""
_FAILURES = (
    ("TimeoutError", "no answer within the limit"),
    ("ValueError", "unexpected value"),
    ("OSError", "broken pipe"),
)


def daily_pattern(at_s: float) -> float:
    """Traffic relative to the average, by time of day (UTC): highest at 15:00, lowest at 03:00.

    >>> round(daily_pattern(15 * 3600), 2), round(daily_pattern(3 * 3600), 2)
    (1.5, 0.5)
    """
    return 1.0 + 0.5 * math.sin(2 * math.pi * (at_s % DAY_S) / DAY_S - 0.75 * math.pi)


def even_traffic(at_s: float) -> float:  # noqa: ARG001 (one of the patterns)
    """The same traffic at every time of day."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Emitted:
    """An execution, and when its application reports it: at its end, in epoch seconds."""

    at_s: float
    execution: Execution


class Simulation:
    """An endless stream of executions from ``start_s`` (epoch seconds) on. Iterate over it once.

    Executions come in the order of their ends. Those of one request share a trace id; a caller's segment lasts
    as long as the callee and the network together, and its ``remote_ms`` is the callee's duration. The same
    seed and faults give the same executions. ``rate`` is executions per second at the average of the day, and
    ``pattern`` the traffic relative to it (0 to ``BUSIEST``) at an epoch second.
    """

    def __init__(
        self,
        system: System,
        seed: int,
        rate: float,
        start_s: float,
        pattern: Callable[[float], float] = daily_pattern,
    ) -> None:
        self._system = system
        self._requests_per_s = rate / system.executions_per_request()
        self._clock_s = start_s
        self._pattern = pattern
        self._random = random.Random(f"{seed} requests")
        self._faults: list[Fault] = []

    def inject(self, fault: Fault) -> None:
        """Let a fault happen to requests that have not been drawn yet."""
        self._faults.append(fault)

    def __iter__(self) -> Iterator[Emitted]:
        """Draw requests one after the other, and emit what has ended by the start of the next."""
        ends: list[tuple[float, int, Execution]] = []
        entries = [(application, operation) for application, operation, _ in self._system.entries]
        weights = [weight for _, _, weight in self._system.entries]
        number = 0
        while True:
            self._clock_s += self._random.expovariate(self._requests_per_s * BUSIEST)
            while ends and ends[0][0] <= self._clock_s:
                at_s, _, execution = heapq.heappop(ends)
                yield Emitted(at_s, execution)
            if self._random.random() * BUSIEST > self._pattern(self._clock_s):
                continue
            application, operation = self._random.choices(entries, weights)[0]
            for execution in self.request(application, operation, self._clock_s):
                number += 1
                heapq.heappush(ends, (execution.started_s + execution.duration_ms / 1e3, number, execution))

    def request(self, application: str, operation: str, at_s: float) -> list[Execution]:
        """The executions of one request, callers before callees; none when its application is silent."""
        active = [fault for fault in self._faults if fault.start_s <= at_s < fault.end_s]
        released = {
            fault.application for fault in self._faults if fault.name == "new_release" and fault.start_s <= at_s
        }
        run = _Request(self._system, self._random, active, released)
        if not run.silent(application):
            run.execute(application, operation, at_s, "")
        return run.executions


class _Request:
    """One request on its way through the applications."""

    def __init__(self, system: System, generator: random.Random, faults: list[Fault], released: set[str]) -> None:
        self._system = system
        self._random = generator
        self._faults = faults
        self._released = released
        self._trace_id = f"{generator.getrandbits(128):032x}"
        self.executions: list[Execution] = []

    def silent(self, application: str) -> bool:
        """Whether the application does not answer."""
        return any(fault.name == "silence" and fault.application == application for fault in self._faults)

    def execute(self, application: str, name: str, start_s: float, parent_span_id: str) -> Execution:
        """Run one operation and everything below it."""
        operation = self._system.applications[application][name]
        faults = [
            fault for fault in self._faults if fault.application == application and fault.operation in (None, name)
        ]
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
            version="1.1.0" if application in self._released else "1.0.0",
            host=f"{application}-{self._random.randrange(3)}",
            segments=[],
        )
        self.executions.append(execution)
        failed_call = self._take_steps(execution, operation, faults)
        self._finish(execution, operation, faults, failed_call)
        return execution

    def _take_steps(self, execution: Execution, operation: Operation, faults: list[Fault]) -> bool:
        own_ms = self._lognormal(operation.median_ms, operation.spread) * _factor(faults, "new_release")
        share_ms = own_ms / (len(operation.steps) + 1)
        clock_ms, failed = share_ms, False
        multiplied: set[str | None] = set()
        for step in operation.steps:
            repeats = 1
            if step.kind == "db" and step.peer not in multiplied:
                repeats = round(_factor([fault for fault in faults if fault.peer == step.peer], "n_plus_one"))
            if step.probability < 1 and self._random.random() >= step.probability and repeats == 1:
                continue
            multiplied |= {step.peer} if repeats > 1 else set()
            for _ in range(repeats):
                segment = self._take(execution, step, clock_ms, faults)
                execution.segments.append(segment)
                clock_ms += segment.duration_ms
                failed = failed or segment.status == "error"
            clock_ms += share_ms
        execution.duration_ms = clock_ms
        return failed

    def _take(self, execution: Execution, step: Step, offset_ms: float, faults: list[Fault]) -> Segment:
        duration_ms = self._lognormal(step.median_ms, step.spread)
        at_peer = [fault for fault in faults if fault.peer == step.peer]
        span_id = self._span_id()
        segment = Segment(step.name, duration_ms, step.kind, offset_ms, None, "ok", step.peer, span_id)
        if step.operation is None or step.peer is None:
            segment.duration_ms *= _factor(at_peer, "slow_dependency")
            return segment
        if self.silent(step.peer):
            segment.duration_ms, segment.status = REFUSED_MS, "error"
            return segment
        network_ms = duration_ms + sum(fault.effect for fault in at_peer if fault.name == "network_delay")
        start_s = execution.started_s + (offset_ms + network_ms / 2) / 1e3
        callee = self.execute(step.peer, step.operation, start_s, span_id)
        segment.duration_ms, segment.remote_ms = callee.duration_ms + network_ms, callee.duration_ms
        segment.status = "error" if callee.failed else "ok"
        return segment

    def _finish(self, execution: Execution, operation: Operation, faults: list[Fault], failed_call: bool) -> None:
        bursts = [fault.effect for fault in faults if fault.name == "error_burst"]
        chance = max([operation.error_rate, *bursts])
        failed = self._random.random() < chance
        refused = any(segment.status == "error" and segment.remote_ms is None for segment in execution.segments)
        passed_on = failed_call and (refused or self._random.random() < PROPAGATION)
        execution.status = "error" if failed or passed_on else "ok"
        if failed:
            execution.error = ExecutionFailure(*self._random.choice(_FAILURES))
        elif passed_on:
            execution.error = ExecutionFailure("CalleeFailed", "a call failed")

    def _span_id(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def _lognormal(self, median: float, spread: float) -> float:
        return median * math.exp(self._random.gauss(0.0, spread))


def _factor(faults: list[Fault], name: str) -> float:
    return math.prod(fault.effect for fault in faults if fault.name == name)
