"""Alarms of whole windows, through the scorer: traffic, latency, errors and concurrency of an application."""

import random
from collections.abc import Callable

import msgspec
import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, epoch_seconds

SETTINGS = DetectionSettings(window_s=10.0, lateness_s=2.0, first_refit=100_000)
TRAINED_S, OPERATIONS = 1_200.0, 40
Change = Callable[[Execution], Execution]


def failed(one: Execution) -> Execution:
    return msgspec.structs.replace(one, status="error")


def as_is(one: Execution) -> Execution:
    return one


def executions(
    start_s: float, seconds: float, rate: float = 10.0, change: Change = as_is, seed: int = 1
) -> list[Execution]:
    """Executions of many operations that arrive at random."""
    draw, now, made = random.Random(seed), start_s, []
    while (now := now + draw.expovariate(rate)) < start_s + seconds:
        operation = f"GET /{draw.randrange(OPERATIONS)}"
        one = Execution("shop", operation, now, draw.lognormvariate(4.0, 0.3))
        made.append(change(failed(one) if draw.random() < 0.005 else one))
    return made


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    made = Scorer(SETTINGS, InlineFitter())
    assert made.score(executions(0.0, TRAINED_S)).anomalies == []
    return made.snapshot(("shop", ""))


@pytest.fixture
def scorer(snapshot: bytes) -> Scorer:
    made = Scorer(SETTINGS, InlineFitter())
    made.restore(snapshot)
    return made


def of_windows(scorer: Scorer, given: list[Execution], signal: str) -> list[AnomalyEvent]:
    told = [event for _, event in scorer.score(given).anomalies if event.data.window is not None]
    return [event for event in told if event.data.signal == signal]


def is_of_the_application(event: AnomalyEvent) -> bool:
    data = event.data
    assert data.window is not None
    assert data.window.start < data.window.end == event.time
    assert data.operation == event.subject == ""
    assert data.incident_key == f"shop//{data.kind}"
    assert sum(data.contributions.values()) == pytest.approx(1.0)
    assert data.bounds[0] <= data.typical <= data.bounds[1]
    assert not data.bounds[0] <= data.actual <= data.bounds[1]
    assert data.exemplar_trace_ids == []
    assert data.model.name == "golden-signals"
    assert "between 00:2" in data.reason
    return True


def test_a_surge_of_traffic(scorer: Scorer) -> None:
    first, *_ = of_windows(scorer, executions(TRAINED_S, 60.0, rate=60.0, seed=2), "traffic")
    assert is_of_the_application(first)
    assert (first.data.kind, first.data.unit, first.data.severity) == ("traffic", "executions/s", "major")
    assert first.data.contributions == {"additional executions": 1.0}
    assert first.data.typical == pytest.approx(10.0, abs=1.5)
    assert first.data.actual == pytest.approx(60.0, abs=9.0)
    assert first.data.window is not None
    assert first.data.window.count > 400
    assert first.data.reason.startswith("shop received")


def test_a_drop_of_traffic(scorer: Scorer) -> None:
    first, *_ = of_windows(scorer, executions(TRAINED_S, 100.0, rate=1.5, seed=2), "traffic")
    assert is_of_the_application(first)
    assert first.data.contributions == {"missing executions": 1.0}
    assert first.data.severity == ("major" if first.data.actual <= 0.1 * first.data.typical else "minor")
    assert first.data.actual < 4 < first.data.typical


def test_errors_of_all_operations(scorer: Scorer) -> None:
    failing = executions(TRAINED_S, 60.0, change=failed, seed=2)
    first, *_ = of_windows(scorer, failing, "window_errors")
    assert is_of_the_application(first)
    assert (first.data.kind, first.data.unit, first.data.severity) == ("errors", "share", "critical")
    assert first.data.contributions == {"failed executions": 1.0}
    assert first.data.actual > 0.5 > 0.1 > first.data.typical


def test_latency_of_all_operations(scorer: Scorer) -> None:
    slow = executions(
        TRAINED_S, 60.0, change=lambda one: msgspec.structs.replace(one, duration_ms=1.6 * one.duration_ms), seed=2
    )
    first, *_ = of_windows(scorer, slow, "window_latency")
    assert is_of_the_application(first)
    assert (first.data.kind, first.data.unit, first.data.severity) == ("latency", "percentile", "minor")
    assert first.data.contributions == {"latency of all operations": 1.0}
    assert 40 < first.data.typical < 60 < 75 < first.data.actual


def test_concurrency(scorer: Scorer) -> None:
    slow = executions(
        TRAINED_S, 60.0, change=lambda one: msgspec.structs.replace(one, duration_ms=9.0 * one.duration_ms), seed=2
    )
    first, *_ = of_windows(scorer, slow, "concurrency")
    assert is_of_the_application(first)
    assert (first.data.kind, first.data.unit, first.data.severity) == ("saturation", "executions", "major")
    assert first.data.contributions == {"executions in progress": 1.0}
    assert "executions in progress at a time" in first.data.reason


def test_usual_windows_are_no_alarm(scorer: Scorer) -> None:
    assert scorer.score(executions(TRAINED_S, 600.0, seed=3)).anomalies == []


def test_an_application_that_has_not_shown_enough_windows_is_not_judged_by_them() -> None:
    young = Scorer(SETTINGS, InlineFitter())
    given = executions(0.0, 300.0) + executions(300.0, 30.0, rate=80.0)
    assert of_windows(young, given, "traffic") == []


def test_a_surge_is_told_when_it_begins_and_ever_more_rarely_while_it_lasts(scorer: Scorer) -> None:
    surge = of_windows(scorer, executions(TRAINED_S, 4_200.0, rate=40.0, seed=2), "traffic")
    starts = [epoch_seconds(event.data.window.start) for event in surge if event.data.window is not None]
    assert len(starts) == 2
    assert starts[1] - starts[0] > 3_500.0
    assert len({event.id for event in surge}) == 2


@pytest.mark.parametrize("size", [1, 50])
def test_what_is_told_does_not_depend_on_batches(snapshot: bytes, size: int) -> None:
    given = executions(TRAINED_S, 40.0, seed=4) + executions(TRAINED_S + 40.0, 60.0, rate=60.0, seed=2)
    told = []
    for step in (len(given), size):
        made = Scorer(SETTINGS, InlineFitter())
        made.restore(snapshot)
        batches = [given[first : first + step] for first in range(0, len(given), step)]
        told.append([event for batch in batches for _, event in made.score(batch).anomalies])
    assert told[0] == told[1]
    assert told[0]
