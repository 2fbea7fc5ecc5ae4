"""What has been done a few times only is told soon when it fails, or is ten times as slow, however rarely it runs."""

import random

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionFailure

FAILURE = ExecutionFailure("DiskFull", "no space", handled=False)
SOON = 6


def first_told(good: int, period_s: float, failing: bool = False, times_as_slow: float = 1.0) -> int:
    """Which of the bad ones, from 1 on, after so many good executions is told first; none before them may be."""
    draw, made = random.Random(5), []
    for number in range(good + 20):
        bad = number >= good
        error = FAILURE if failing and bad else None
        at_s, took_ms = 1_767_225_600.0 + number * period_s, 300.0 * draw.lognormvariate(0.0, 0.1)
        took_ms *= times_as_slow if bad else 1.0
        made.append(Execution("a", "nightly", at_s, took_ms, status="error" if error else "ok", error=error))
    [(first, _), *_] = Scorer(DetectionSettings(), InlineFitter()).score(made).anomalies
    return first - good + 1


@pytest.mark.parametrize("period_s", [1.0, 60.0, 3_600.0, 86_400.0])
@pytest.mark.parametrize("good", [10, 15, 25, 40, 100])
def test_pure_failure_is_told_soon(good: int, period_s: float) -> None:
    assert 1 <= first_told(good, period_s, failing=True) <= SOON


@pytest.mark.parametrize("period_s", [1.0, 60.0, 3_600.0, 86_400.0])
@pytest.mark.parametrize("good", [10, 15, 20, 25, 40, 60, 100])
def test_tenfold_durations_are_told_soon(good: int, period_s: float) -> None:
    assert 1 <= first_told(good, period_s, times_as_slow=10.0) <= SOON
