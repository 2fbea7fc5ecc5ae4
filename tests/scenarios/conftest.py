"""Simulated systems with the ten scenarios one after the other, each run once for all tests."""

from collections.abc import Sequence
from itertools import chain

import pytest

from detectors.fitting import InlineFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from scripts.simulator.applications import build_system
from scripts.simulator.faults import SCENARIOS, FaultName
from scripts.simulator.judge import Judgement, Verdict
from scripts.simulator.trial import course_of_faults, run_trial

SEEDS = (54, 55, 56, 57)
"""The first four in a row with which nearly every fault has effects of all three sizes."""
RATE = 80.0
START_S = 1_767_225_600.0
HISTORY_S = 1_500.0

Verdicts = dict[FaultName, list[Verdict]]


@pytest.fixture(scope="session")
def judgements() -> Sequence[Judgement]:
    """What was said about each system: 25 minutes without a fault, then one fault of every name."""
    settings = DetectionSettings()
    courses = [course_of_faults(build_system(seed=seed), seed, RATE, START_S, HISTORY_S, SCENARIOS) for seed in SEEDS]
    return [run_trial(Scorer(settings, InlineFitter()), course) for course in courses]


@pytest.fixture(scope="session")
def verdicts(judgements: Sequence[Judgement]) -> Verdicts:
    """The same by fault."""
    found: Verdicts = {name: [] for name in SCENARIOS}
    for verdict in chain.from_iterable(judgement.verdicts for judgement in judgements):
        found[verdict.truth.fault.name].append(verdict)
    return found
