"""Simulated systems with the ten scenarios one after the other, each run once for all tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import pytest

from tests.scenarios.recording import Recording
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.incident_input import IncidentInput
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import SCENARIOS, FaultName
from tracehound.scripts.simulator.judge import Judgement, Verdict
from tracehound.scripts.simulator.trial import Course, course_of_faults, run_trial

SEEDS = (54, 55, 56, 57)
"""The first four in a row with which nearly every fault has effects of all three sizes."""
RATE = 80.0
START_S = 1_767_225_600.0
HISTORY_S = 1_500.0

Verdicts = dict[FaultName, list[Verdict]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One system: what was simulated, what was said about it, and what the incident stage is told of it."""

    course: Course
    judgement: Judgement
    log: Sequence[IncidentInput]


@pytest.fixture(scope="session")
def trials() -> Sequence[Trial]:
    """Each system: 25 minutes without a fault, then one fault of every name."""
    courses = [course_of_faults(build_system(seed=seed), seed, RATE, START_S, HISTORY_S, SCENARIOS) for seed in SEEDS]
    found: list[Trial] = []
    for course in courses:
        recording = Recording(Scorer(DetectionSettings(), InlineFitter()))
        found.append(Trial(course, run_trial(recording, course), recording.log))
    return found


@pytest.fixture(scope="session")
def judgements(trials: Sequence[Trial]) -> Sequence[Judgement]:
    """What was said about each system."""
    return [trial.judgement for trial in trials]


@pytest.fixture(scope="session")
def verdicts(judgements: Sequence[Judgement]) -> Verdicts:
    """The same by fault."""
    found: Verdicts = {name: [] for name in SCENARIOS}
    for verdict in chain.from_iterable(judgement.verdicts for judgement in judgements):
        found[verdict.truth.fault.name].append(verdict)
    return found
