"""What the trials judge: simulated systems with one fault of each name, and quiet days without any."""

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.judge import Judgement
from tracehound.scripts.simulator.trial import DAY_S, Course, course_of_faults, run_trial

START_S = 1_767_225_600.0
QUIET_RATE = 3.0
STRAIN = 0.2
Covered = tuple[Judgement, float]
"""A judgement, and the application-days that it covers."""


def trial(seed: int, rate: float, history_s: float) -> Covered:
    """One fault of each name."""
    return _judge(course_of_faults(build_system(seed=seed, messages=True), seed, rate, START_S, history_s))


def quiet_day(seed: int) -> Covered:
    """A day without faults."""
    system = build_system(seed=seed)
    return _judge(Course(system, seed, QUIET_RATE, START_S, START_S + DAY_S, strain=STRAIN, check_every_s=60.0))


def _judge(course: Course) -> Covered:
    return run_trial(Scorer(DetectionSettings(), InlineFitter()), course), course.application_days
