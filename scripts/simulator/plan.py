"""Which faults come when: those asked for, and random ones now and then."""

import random
from collections import deque
from collections.abc import Iterator, Sequence

from tracehound.scripts.simulator.faults import FAULT_NAMES, Fault, FaultName, FaultRequest
from tracehound.scripts.simulator.simulation import Simulation
from tracehound.scripts.simulator.system import System
from tracehound.scripts.simulator.targets import possible_faults, random_fault

FAULT_S = 60.0
PAUSE_S = (60.0, 180.0)
"""Least and greatest time between random faults."""
FIRST_AFTER_S = 30.0
AHEAD_S = 30.0
"""How long before its start a fault is injected."""
RECENT = 3
"""Random faults avoid the applications of so many faults before."""


def asked_for(requests: Sequence[FaultRequest], system: System, seed: int, start_s: float) -> list[Fault]:
    """The faults that were asked for, by start; what was left open is chosen from the seed.

    Raises:
        ConfigurationError: an application does not exist or cannot have its fault.
    """
    generator = random.Random(f"{seed} faults")
    faults = [
        random_fault(
            generator,
            system,
            start_s + request.after_s,
            request.duration_s,
            request.name,
            request.application,
            request.effect,
        )
        for request in requests
    ]
    return sorted(faults, key=lambda fault: fault.start_s)


def now_and_then(
    system: System,
    seed: int,
    start_s: float,
    first_after_s: float = FIRST_AFTER_S,
    fault_s: float = FAULT_S,
    pause_s: tuple[float, float] = PAUSE_S,
    names: Sequence[FaultName] = FAULT_NAMES,
) -> Iterator[Fault]:
    """Random faults of these ``names`` without end, one after the other."""
    generator = random.Random(f"{seed} random faults")
    next_s = start_s + first_after_s
    recent: list[str] = []
    names = possible_faults(system, names)
    while True:
        fault = random_fault(generator, system, next_s, fault_s, generator.choice(names), avoid=recent)
        recent = [*recent, fault.application][-RECENT:]
        yield fault
        next_s = fault.end_s + generator.uniform(*pause_s)


class FaultPlan:
    """Injects faults into a simulation in good time before the clock. Faults must be in order of start.

    ``now_s`` is the moment (epoch seconds) up to which the simulation has been drawn.
    """

    def __init__(self, faults: Iterator[Fault], simulation: Simulation, now_s: float) -> None:
        self._faults = faults
        self._simulation = simulation
        self._waiting: deque[Fault] = deque()
        self._ahead = next(faults, None)
        self._inject(now_s)

    def started(self, now_s: float) -> Iterator[Fault]:
        """The faults that have started by ``now_s``; each is told once. Ask at least every ``AHEAD_S``."""
        self._inject(now_s)
        while self._waiting and self._waiting[0].start_s <= now_s:
            yield self._waiting.popleft()

    def _inject(self, now_s: float) -> None:
        while self._ahead is not None and self._ahead.start_s <= now_s + AHEAD_S:
            self._simulation.inject(self._ahead)
            self._waiting.append(self._ahead)
            self._ahead = next(self._faults, None)
