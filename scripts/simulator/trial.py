"""One trial without a broker: simulated past, faults one after the other, scored by the core and judged."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from detectors.scoring import ScoredBatch
from schemas.anomaly import AnomalyEvent
from schemas.execution import Execution
from scripts.simulator.applications import System
from scripts.simulator.faults import FAULT_NAMES, Fault, Truth, random_fault, truth_of
from scripts.simulator.judge import Judgement, judge
from scripts.simulator.simulation import Simulation

SILENCE_INTERVAL_S = 5.0
CHUNK = 200


class Watches(Protocol):
    """The part of ``detectors.scoring.Scorer`` that a trial needs."""

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        ...

    def judge_silence(self, now_s: float, applications: Sequence[tuple[str, str]]) -> list[AnomalyEvent]:
        """Anomalies for applications that have fallen silent."""
        ...

    def applications(self) -> list[tuple[str, str]]:
        """Every application known."""
        ...


def faults_in_turn(
    system: System, seed: int, first_s: float, duration_s: float = 60.0, pause_s: float = 120.0
) -> list[Fault]:
    """One fault of each name, in random order, with random targets and effects, ``pause_s`` between them."""
    generator = random.Random(f"{seed} faults")
    names = generator.sample(FAULT_NAMES, len(FAULT_NAMES))
    step_s = duration_s + pause_s
    return [
        random_fault(generator, system, first_s + number * step_s, duration_s, name)
        for number, name in enumerate(names)
    ]


def run_trial(
    system: System,
    scorer: Watches,
    faults: Sequence[Fault],
    seed: int,
    rate: float,
    start_s: float,
    end_s: float,
    report: Callable[[float], None] = lambda _: None,
) -> Judgement:
    """Simulate from ``start_s`` to ``end_s`` (epoch seconds) with ``faults``, score everything, and judge.

    Anomalies before the first fault are false alarms too. ``report`` is told the event time reached.
    """
    simulation = Simulation(system, seed, rate, start_s)
    truths: list[Truth] = [truth_of(fault, system) for fault in faults]
    for fault in faults:
        simulation.inject(fault)
    anomalies: list[AnomalyEvent] = []
    next_check_s = start_s + SILENCE_INTERVAL_S
    for at_s, executions in _chunks(simulation, end_s, SILENCE_INTERVAL_S):
        anomalies += [event for _, event in scorer.score(executions).anomalies]
        if at_s >= next_check_s:
            anomalies += scorer.judge_silence(at_s, scorer.applications())
            next_check_s = at_s + SILENCE_INTERVAL_S
            report(at_s)
    return judge(truths, anomalies)


def _chunks(simulation: Simulation, end_s: float, longest_s: float) -> Iterator[tuple[float, list[Execution]]]:
    """Event time reached and the executions since, at most ``CHUNK`` and about ``longest_s`` long."""
    chunk: list[Execution] = []
    begun_s = 0.0
    for emitted in simulation:
        if chunk and (len(chunk) >= CHUNK or emitted.at_s >= begun_s + longest_s or emitted.at_s >= end_s):
            yield emitted.at_s, chunk
            chunk = []
        if emitted.at_s >= end_s:
            return
        begun_s = begun_s if chunk else emitted.at_s
        chunk.append(emitted.execution)
