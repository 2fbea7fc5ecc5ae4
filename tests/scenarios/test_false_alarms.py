"""Where nothing is wrong, no more is said than the alarm budget allows."""

from collections.abc import Sequence

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.judge import Judgement
from tracehound.scripts.simulator.trial import DAY_S, Course, run_trial

MIDNIGHT_S = 1_767_225_600.0
RATE = 3.0
STRAIN = 0.2
"""Executions take up to 10 % longer at the busiest hour, and up to 10 % less at the quietest."""


def test_a_day_without_faults_stays_within_the_alarm_budget() -> None:
    system = build_system(seed=7)
    day = Course(system, 7, RATE, MIDNIGHT_S, MIDNIGHT_S + DAY_S, strain=STRAIN, check_every_s=60.0)

    said = run_trial(Scorer(DetectionSettings(), InlineFitter()), day).false_alarms

    assert len(said) <= DetectionSettings().alarm_budget * day.application_days, [one.data.reason for one in said]


def test_nothing_but_the_faults_is_told(judgements: Sequence[Judgement]) -> None:
    said = [alarm for judgement in judgements for alarm in judgement.false_alarms]

    assert len(said) <= 1, [(one.time, one.data.reason) for one in said]
