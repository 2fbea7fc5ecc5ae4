"""Simulated traffic: a seeded, endless stream of consistent executions, with faults at known times."""

import heapq
import math
import random
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.afflicted import afflicted
from tracehound.scripts.simulator.faults import Fault
from tracehound.scripts.simulator.messages import Messages
from tracehound.scripts.simulator.requests import Requests
from tracehound.scripts.simulator.system import System

DAY_S = 86_400.0
BUSIEST = 1.5
"""The most traffic of any time of day, relative to the average."""


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


class _Entries:
    """Where requests enter at present, in proportion to the weights, and how many a second at the day's average."""

    def __init__(self, system: System, usual: System, requests_per_s: float) -> None:
        self._places = [(application, operation) for application, operation, _ in system.entries]
        self._sums = list(accumulate(weight for _, _, weight in system.entries))
        self.requests_per_s = requests_per_s * self._sums[-1] / usual.requests()

    def at(self, part: float) -> tuple[str, str]:
        """Application and operation at ``part`` (0 to 1) of all weights."""
        return self._places[min(bisect(self._sums, part * self._sums[-1]), len(self._places) - 1)]


class Simulation:
    """An endless stream of executions from ``start_s`` (epoch seconds) on. Iterate over it once.

    Executions come in the order of their ends. Those of one request share a trace id; a caller's segment lasts
    as long as the callee and the network together, and its ``remote_ms`` is the callee's duration. The same
    seed and faults give the same executions. ``rate`` is executions per second at the average of the day, and
    ``pattern`` the traffic relative to it (0 to ``BUSIEST``) at an epoch second. Durations are longer by the
    share ``strain`` for each average of traffic above it, and shorter below.
    """

    def __init__(
        self,
        system: System,
        seed: int,
        rate: float,
        start_s: float,
        pattern: Callable[[float], float] = daily_pattern,
        strain: float = 0.0,
    ) -> None:
        self._usual = self._system = system
        self._usual_requests_per_s = rate / system.executions_per_request()
        self._clock_s = start_s
        self._pattern = pattern
        self._strain = strain
        self._random = random.Random(f"{seed} arrivals")
        self._requests = Requests(seed)
        self._messages = Messages(seed)
        self._faults: list[Fault] = []
        self._as_it_is_until_s = -math.inf
        self._entries = _Entries(system, system, self._usual_requests_per_s)

    def inject(self, fault: Fault) -> None:
        """Let a fault happen to requests that have not been drawn yet."""
        self._faults.append(fault)
        self._as_it_is_until_s = -math.inf

    def __iter__(self) -> Iterator[Emitted]:
        """Draw requests one after the other, and emit what has ended by the start of the next."""
        ends: list[tuple[float, int, Execution]] = []
        number = 0
        while True:
            self._clock_s += self._random.expovariate(self._entries.requests_per_s * BUSIEST)
            while ends and ends[0][0] <= self._clock_s:
                at_s, _, execution = heapq.heappop(ends)
                yield Emitted(at_s, execution)
            if self._clock_s >= self._as_it_is_until_s:
                self._change()
            traffic = self._pattern(self._clock_s)
            if self._random.random() * BUSIEST > traffic:
                continue
            pace = 1.0 + self._strain * (traffic - 1.0)
            application, operation = self._entries.at(self._random.random())
            made = self._requests.run(self._system, application, operation, self._clock_s, pace)
            for execution in (*made, *self._messages.taken(self._system, made, pace)):
                number += 1
                heapq.heappush(ends, (execution.started_s + execution.duration_ms / 1e3, number, execution))

    def _change(self) -> None:
        """Let faults begin and end."""
        now_s = self._clock_s
        begun = [fault for fault in self._faults if fault.start_s <= now_s]
        active = [fault for fault in begun if now_s < fault.end_s]
        released = [fault.application for fault in begun if fault.name == "new_release"]
        present_requests_per_s = self._usual_requests_per_s * self._pattern(now_s)
        self._system = afflicted(self._usual, active, released, present_requests_per_s)
        self._entries = _Entries(self._system, self._usual, self._usual_requests_per_s)
        moments = [moment_s for fault in self._faults for moment_s in (fault.start_s, fault.end_s) if moment_s > now_s]
        self._as_it_is_until_s = min(moments, default=math.inf)
