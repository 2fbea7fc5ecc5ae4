"""An operation that has always failed is not told, and hides nothing of its application."""

import random

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment

FAULT_S, SECONDS = 3_000.0, 3_300.0
FAILURE = ExecutionFailure("Gone")


def executions(always_failing: bool) -> list[Execution]:
    """Two a second of an operation that lacks half of its calls from ``FAULT_S`` on, and one of another."""
    draw, made, second = random.Random(3), [], 0.0
    while second < SECONDS:
        for part in (0.0, 0.5):
            calls = [Segment(f"SELECT {name}", draw.lognormvariate(1.0, 0.2), "db") for name in "abcdef"]
            kept = calls[:3] if second >= FAULT_S else calls
            made.append(Execution("shop", "GET /alpha", second + part, draw.lognormvariate(3.5, 0.1), segments=kept))
        error = FAILURE if always_failing else None
        made.append(
            Execution(
                "shop",
                "GET /beta",
                second + 0.7,
                draw.lognormvariate(2.0, 0.1),
                status="error" if error else "ok",
                error=error,
            )
        )
        second += 1.0
    return made


def told(always_failing: bool) -> list[tuple[float, str]]:
    given = executions(always_failing)
    anomalies = Scorer(DetectionSettings(), InlineFitter()).score(given).anomalies
    return [(given[index].started_s, event.data.operation) for index, event in anomalies]


def test_an_operation_that_has_always_failed_is_not_told() -> None:
    assert [one for one in told(True) if one[1] == "GET /beta"] == []


def test_what_another_operation_lacks_is_seen_as_soon_as_without_it() -> None:
    with_it, without_it = (
        min(at for at, operation in told(failing) if operation == "GET /alpha" and at >= FAULT_S)
        for failing in (True, False)
    )
    assert with_it <= without_it + 1.0
    assert without_it < FAULT_S + 30.0
