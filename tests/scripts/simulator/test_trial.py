from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import FAULT_NAMES, SCENARIOS, FaultName
from tracehound.scripts.simulator.trial import (
    CHUNK,
    LATER_S,
    PAUSE_S,
    Course,
    course_of_faults,
    faults_in_turn,
    run_trial,
)

SYSTEM = build_system(messages=True)


class Watcher:
    """Knows failures of one application, and silence after 10 seconds; everything else it overlooks."""

    def __init__(self, make_anomaly: Callable[..., AnomalyEvent]) -> None:
        self._make = make_anomaly
        self._newest: dict[str, float] = {}
        self.sizes: list[int] = []

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        self.sizes.append(len(executions))
        failed = Counter(one.application for one in executions if one.failed)
        total = Counter(one.application for one in executions)
        anomalies = [
            (0, self._make(name, "errors", executions[-1].started_s))
            for name, count in failed.items()
            if count > 5 and count > 0.5 * total[name]
        ]
        for one in executions:
            self._newest[one.application] = one.started_s
        count = len(executions)
        return ScoredBatch(np.zeros(count), [None] * count, np.zeros(count, bool), anomalies, [])

    def judge_silence(self, now_s: float, applications: Sequence[tuple[str, str]]) -> list[AnomalyEvent]:
        return [self._make(name, "traffic", now_s) for name, _ in applications if now_s - self._newest[name] > 10]

    def applications(self) -> list[tuple[str, str]]:
        return [(name, "") for name in self._newest]


def test_one_fault_of_each_name_in_turn_by_seed() -> None:
    faults = faults_in_turn(SYSTEM, 3, 1_000.0)

    assert sorted(fault.name for fault in faults) == sorted(FAULT_NAMES)
    later = [fault.start_s - 1_000.0 - 180 * number for number, fault in enumerate(faults)]
    assert all(0 <= one < LATER_S for one in later)
    assert max(later) - min(later) > 10
    assert faults == faults_in_turn(SYSTEM, 3, 1_000.0)
    assert faults != faults_in_turn(SYSTEM, 4, 1_000.0)


def test_a_course_has_a_past_before_the_faults_and_a_pause_after_them() -> None:
    course = course_of_faults(SYSTEM, 3, 50.0, 1_000.0, 500.0, SCENARIOS)

    assert 1_500.0 <= course.faults[0].start_s < 1_500.0 + LATER_S
    assert course.end_s == pytest.approx(course.faults[-1].end_s + PAUSE_S)
    assert len(course.faults) == 10
    assert course.application_days == pytest.approx(6 * (course.end_s - 1_000.0) / 86_400)


def test_a_trial_tells_what_a_detector_sees_from_what_it_overlooks(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    watcher, told = Watcher(make_anomaly), list[float]()
    names: tuple[FaultName, ...] = ("slow_dependency", "silence", "n_plus_one", "network_delay")
    faults = faults_in_turn(SYSTEM, 0, 1_060.0, 40.0, 40.0, names)
    course = Course(SYSTEM, 1, 60.0, 1_000.0, faults[-1].end_s + 20, faults)

    judgement = run_trial(watcher, course, told.append)

    assert {verdict.truth.fault.name for verdict in judgement.verdicts if verdict.detected} == {"silence"}
    assert len(judgement.missed) == 3
    assert max(watcher.sizes) <= CHUNK
    assert sum(watcher.sizes) > 10_000
    assert course.end_s - 30 < told[-1] <= course.end_s
    assert told == sorted(told)


def test_without_faults_everything_that_is_said_is_a_false_alarm(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    class Alarmist(Watcher):
        def judge_silence(self, now_s: float, applications: Sequence[tuple[str, str]]) -> list[AnomalyEvent]:
            return [make_anomaly("cart", "traffic", now_s)]

    judgement = run_trial(Alarmist(make_anomaly), Course(SYSTEM, 1, 20.0, 1_000.0, 1_060.0))

    assert judgement.verdicts == []
    assert len(judgement.false_alarms) > 5
