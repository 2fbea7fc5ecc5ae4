"""Slow drift: told once a week and signal in a sentence with numbers; what comes at once, or comes back, is not."""

from collections.abc import Callable

import numpy as np
import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution
from tracehound.schemas.model_event import ModelEvent

SHOP, START_S, DAY_S, A_DAY = ("shop", ""), 1_790_035_200.0, 86_400.0, 240
OfDay = Callable[[int], float]


def same(value: float) -> OfDay:
    return lambda day: value


MS, NEVER, ONCE = same(120.0), same(0.0), same(1.0)


def life(ms: OfDay = MS, failing: OfDay = NEVER, often: OfDay = ONCE, days: int = 20) -> list[Execution]:
    """Two operations for ``days``, of which the first takes ``ms``, fails and comes as often as each day says."""
    random, executions = np.random.default_rng(3), []
    for day in range(days):
        for name, count in (("POST /orders", int(A_DAY * often(day))), ("GET /", A_DAY)):
            of_orders = name != "GET /"
            failed = random.uniform(size=count) < (failing(day) if of_orders else 0.0)
            took = (ms(day) if of_orders else 30.0) * random.lognormal(0.0, 0.25, count)
            at = START_S + day * DAY_S + np.sort(random.uniform(0.0, DAY_S, count))
            executions += [
                Execution("shop", name, at_s, took_ms, status="error" if bad else "ok")
                for at_s, took_ms, bad in zip(at.tolist(), took.tolist(), failed.tolist(), strict=True)
            ]
    return sorted(executions, key=lambda one: one.started_s)


def told(executions: list[Execution], chunk: int = 500, restore_after: int | None = None) -> list[ModelEvent]:
    scorer, events = Scorer(DetectionSettings(), InlineFitter()), list[ModelEvent]()
    for first in range(0, len(executions), chunk):
        events += scorer.score(executions[first : first + chunk]).model_events
        if restore_after is not None and first >= restore_after:
            restored = Scorer(DetectionSettings(), InlineFitter())
            restored.restore(scorer.snapshot(SHOP))
            scorer, restore_after = restored, None
    return [event for event in events if event.data.change == "level_changed"]


def grows(by_day: float, since: int = 8, until: int = 15) -> OfDay:
    return lambda day: by_day ** min(max(day - since, 0), until - since)


def test_a_latency_times_five_within_a_week_is_one_message() -> None:
    growth = grows(5.0 ** (1 / 7))
    executions = life(ms=lambda day: 120.0 * growth(day))
    events = told(executions)
    assert [(one.data.operation, one.time[:10]) for one in events] == [("POST /orders", "2026-10-05")]
    level = events[0].data.level
    assert level is not None
    assert (level.signal, level.unit, level.operations, level.count) == ("duration_ms", "ms", ["POST /orders"], 1)
    assert level.before == pytest.approx(120.0, rel=0.1)
    assert events[0].data.sentence.startswith("POST /orders of shop took 1")
    assert "a week ago and took" in events[0].data.sentence
    assert told(executions, chunk=37, restore_after=6_000) == events


def test_a_share_of_failures_that_grows_is_told() -> None:
    growth = grows(1.4, until=13)
    [event] = told(life(failing=lambda day: 0.03 * growth(day), often=same(4.0), days=16))
    level = event.data.level
    assert level is not None
    assert level.signal == "error_rate"
    assert level.after > 2.0 * level.before > 0.0


@pytest.mark.parametrize("by_day", [1.2, 1 / 1.2])
def test_traffic_that_grows_or_shrinks_is_told(by_day: float) -> None:
    growth = grows(by_day)
    [event] = told(life(often=lambda day: 4.0 * growth(day), days=15))
    assert event.data.level is not None
    assert event.data.level.signal == "traffic"


@pytest.mark.parametrize(
    "ms",
    [
        same(120.0),
        lambda day: 120.0 * 4.0 ** (day == 12),  # one bad day
        lambda day: 120.0 * 4.0 ** (day >= 12),  # at once, and for good
        lambda day: 120.0 * 3.0 ** (day % 7 >= 5),  # every weekend
        lambda day: 120.0 * 1.03**day,  # in a week a quarter
        lambda day: 0.5 * 1.3 ** min(day, 8),  # to some milliseconds
    ],
)
def test_what_does_not_drift_is_not_told(ms: OfDay) -> None:
    assert told(life(ms=ms)) == []


def test_weekends_without_anybody_are_no_drift() -> None:
    assert told(life(often=lambda day: 4.0 if day % 7 < 5 else 0.1, days=24)) == []


def test_several_operations_are_one_message() -> None:
    growth = grows(5.0 ** (1 / 7))
    orders = life(ms=lambda day: 120.0 * growth(day), days=14)
    carts = [
        Execution("shop", "GET /cart", one.started_s, one.duration_ms) for one in orders if one.operation != "GET /"
    ]
    [event] = told(sorted(orders + carts, key=lambda one: one.started_s))
    assert event.data.level is not None
    assert event.data.level.count == 2
    assert "another operation" in event.data.sentence
