"""One trial without a broker: simulated past, faults one after the other, scored by the core and judged."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.faults import FAULT_NAMES, Fault, FaultName
from tracehound.scripts.simulator.judge import Judgement, judge
from tracehound.scripts.simulator.simulation import Simulation
from tracehound.scripts.simulator.system import System
from tracehound.scripts.simulator.targets import possible_faults, random_fault
from tracehound.scripts.simulator.truth import truth_of

CHUNK = 200
DAY_S = 86_400.0
FAULT_S, PAUSE_S = 60.0, 120.0
LATER_S = 30.0
"""A fault of several in turn begins up to so much later, so that none depends on where windows of time begin."""


class Watches(Protocol):
    """The part of ``detectors.scoring.scorer.Scorer`` that a trial needs."""

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        ...

    def judge_silence(self, now_s: float, applications: Sequence[tuple[str, str]]) -> list[AnomalyEvent]:
        """Anomalies for applications that have fallen silent."""
        ...

    def applications(self) -> list[tuple[str, str]]:
        """Every application known."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """What is simulated in a trial: executions of ``system`` from ``start_s`` to ``end_s``, epoch seconds.

    ``rate`` is executions per second at the average of the day; ``strain`` as in ``Simulation``. Silence is judged
    every ``check_every_s``.
    """

    system: System
    seed: int
    rate: float
    start_s: float
    end_s: float
    faults: Sequence[Fault] = ()
    strain: float = 0.0
    check_every_s: float = 5.0

    @property
    def application_days(self) -> float:
        """Days times applications."""
        return (self.end_s - self.start_s) / DAY_S * len(self.system.applications)


def course_of_faults(
    system: System, seed: int, rate: float, start_s: float, history_s: float, names: Sequence[FaultName] = FAULT_NAMES
) -> Course:
    """A fault-free past, then one fault of each name, with a pause after each."""
    faults = faults_in_turn(system, seed, start_s + history_s, names=names)
    return Course(system, seed, rate, start_s, faults[-1].end_s + PAUSE_S, faults)


def faults_in_turn(
    system: System,
    seed: int,
    first_s: float,
    duration_s: float = FAULT_S,
    pause_s: float = PAUSE_S,
    names: Sequence[FaultName] = FAULT_NAMES,
) -> list[Fault]:
    """One fault of each name, in random order, with random targets and effects, about ``pause_s`` between them."""
    generator = random.Random(f"{seed} faults")
    step_s = duration_s + pause_s
    names = possible_faults(system, names)
    return [
        random_fault(generator, system, first_s + number * step_s + generator.uniform(0, LATER_S), duration_s, name)
        for number, name in enumerate(generator.sample(names, len(names)))
    ]


def run_trial(scorer: Watches, course: Course, report: Callable[[float], None] = lambda _: None) -> Judgement:
    """Simulate a course, score everything, and judge what was said.

    Anomalies before the first fault are false alarms too. ``report`` is told the event time reached.
    """
    simulation = Simulation(course.system, course.seed, course.rate, course.start_s, strain=course.strain)
    for fault in course.faults:
        simulation.inject(fault)
    anomalies: list[AnomalyEvent] = []
    next_check_s = course.start_s + course.check_every_s
    for at_s, executions in _chunks(simulation, course.end_s, course.check_every_s):
        anomalies += [event for _, event in scorer.score(executions).anomalies]
        if at_s >= next_check_s:
            anomalies += scorer.judge_silence(at_s, scorer.applications())
            next_check_s = at_s + course.check_every_s
            report(at_s)
    return judge([truth_of(fault, course.system) for fault in course.faults], anomalies)


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
