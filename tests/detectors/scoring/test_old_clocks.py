"""Wrong clocks make no fault older or younger than it is: a page that slept for days, a phone that was off."""

import random
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution, ExecutionFailure

START_S, GOOD, BAD, DAY_S = 1.79e9, 400, 600, 86_400.0
Told = tuple[set[tuple[str, str]], int, set[str]]
CLOCKS: dict[str, Callable[[int], float]] = {
    "the first are hours old": lambda i: -3_600.0 if i < 5 else 0.0,
    "the first are days old": lambda i: -3.0 * DAY_S if i < 5 else 0.0,
    "the first are weeks old": lambda i: -30.0 * DAY_S if i < 5 else 0.0,
    "the first are hours ahead": lambda i: 3_600.0 if i < 5 else 0.0,
    "the first are days ahead": lambda i: 3.0 * DAY_S if i < 5 else 0.0,
    "some within it are days ahead": lambda i: 3.0 * DAY_S if 100 <= i < 105 else 0.0,
    "some within it are days old": lambda i: -3.0 * DAY_S if 100 <= i < 105 else 0.0,
    "one host is days old": lambda i: -3.0 * DAY_S if i % 4 == 0 else 0.0,
    "one host is days ahead": lambda i: 3.0 * DAY_S if i % 4 == 0 else 0.0,
    "some of each": lambda i: (3.0 * DAY_S, -3.0 * DAY_S, 3_600.0, 0.0, 0.0, 0.0, 0.0)[i % 7],
}


def fault(ms: float, failing: bool, wrong_s: Callable[[int], float]) -> Iterable[Execution]:
    """Executions of which the last ``BAD`` take so long, or of which half fail, each by a clock that is so wrong."""
    of = random.Random(1)
    for i in range(GOOD):
        yield Execution("web", "GET /", START_S + i, 100.0 + of.uniform(-10.0, 10.0))
    for i in range(BAD):
        error = ExecutionFailure("TimeoutError", "late") if failing and i % 2 else None
        started_s, took_ms = START_S + GOOD + i + wrong_s(i), ms + of.uniform(-10.0, 10.0)
        yield Execution("web", "GET /", started_s, took_ms, status="error" if error else "ok", error=error)


def told(executions: Iterable[Execution]) -> Told:
    """Kinds and severities of anomalies; how many of the last fifty executions deviate; and what models tell."""
    scorer, given = Scorer(DetectionSettings(), InlineFitter()), list(executions)
    anomalies: set[tuple[str, str]] = set()
    changes: set[str] = set()
    last = 0
    for first in range(0, len(given), 50):
        batch = scorer.score(given[first : first + 50])
        anomalies |= {(event.data.kind, event.data.severity) for _, event in batch.anomalies}
        changes |= {event.data.change for event in batch.model_events}
        last = sum(one is not None for one in batch.severity)
    return anomalies, last, changes


@cache
def told_of_right_clocks(ms: float, failing: bool) -> Told:
    return told(fault(ms, failing, lambda _: 0.0))


@pytest.mark.parametrize(("ms", "failing"), [(600.0, False), (100.0, True)])
@pytest.mark.parametrize("clocks", CLOCKS)
def test_a_fault_is_as_old_as_it_is(clocks: str, ms: float, failing: bool) -> None:
    anomalies, last, changes = told(fault(ms, failing, CLOCKS[clocks]))
    right, still, _ = told_of_right_clocks(ms, failing)
    assert anomalies == right
    assert last == still == 50
    assert "new_normal" not in changes
