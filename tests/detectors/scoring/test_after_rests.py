"""What was seen before a rest is no evidence against what comes after it."""

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionFailure

REST_S = 600.0
GOOD = 650
BAD = 30
FAULTS = [(300.0, False), (16.0, True)]
"""Durations in ms, and whether the executions fail."""


def run(scorer: Scorer, n: int, begin_s: float, ms: float = 16.0, failed: bool = False) -> ScoredBatch:
    """n executions, one a second, that take about so long."""
    error = ExecutionFailure("TimeoutError", "late") if failed else None
    took_ms = [ms * (1.0 + i % 7 / 30.0) for i in range(n)]
    return scorer.score(
        [
            Execution("shop", "GET /", begin_s + i, took, status="error" if failed else "ok", error=error)
            for i, took in enumerate(took_ms)
        ]
    )


def after_a_fault(ms: float, failed: bool) -> Scorer:
    """A scorer that has seen a fault last, which it told."""
    scorer = Scorer(DetectionSettings(), InlineFitter())
    assert told(run(scorer, GOOD, 0.0)) == []
    assert len(told(run(scorer, BAD, GOOD, ms, failed))) > 20
    return scorer


def told(batch: ScoredBatch) -> list[int]:
    return [place for place, severity in enumerate(batch.severity) if severity is not None]


@pytest.mark.parametrize(("ms", "failed"), FAULTS)
def test_good_executions_after_a_rest_are_not_blamed_for_what_was_before_it(ms: float, failed: bool) -> None:
    after = run(after_a_fault(ms, failed), 20, GOOD + BAD + REST_S)
    assert told(after) == []
    assert after.deviating == {}


@pytest.mark.parametrize(("ms", "failed"), FAULTS)
def test_good_executions_of_one_operation_are_not_blamed_where_others_did_not_rest(ms: float, failed: bool) -> None:
    scorer = after_a_fault(ms, failed)
    began_s = GOOD + BAD
    others = [Execution("shop", "GET /other", began_s + i / 2.0, 20.0 + i % 5) for i in range(int(2 * REST_S))]
    assert told(scorer.score(others)) == []
    assert told(run(scorer, 20, began_s + REST_S)) == []


@pytest.mark.parametrize(("ms", "failed"), FAULTS)
def test_a_fault_that_outlasts_a_rest_is_seen_within_a_few_executions(ms: float, failed: bool) -> None:
    assert told(run(after_a_fault(ms, failed), 8, GOOD + BAD + REST_S, ms, failed))[0] < 5
