"""Users who are gone while health probes go on are told once; what moves, ends or pauses as a whole is not."""

import random
from collections.abc import Callable

import pytest

from tracehound.detectors.alarms.of_stopped import SIGNAL
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import Execution, ExecutionKind

SHOP, START_S, GONE_S, END_S = ("shop", ""), 1_767_225_600.0, 3_600.0, 4_800.0
PROBES, USERS, ROUTES = 6.0, 3.0, 5
Change = Callable[[Execution, float], Execution | None]


def life(change: Change, kind: ExecutionKind = "request") -> list[Execution]:
    """Probes, and users of five routes (of a ``kind``), whose executions from ``GONE_S`` on are changed, or gone."""
    of, made, at_s = random.Random(6), list[Execution](), 0.0
    while at_s < END_S:
        at_s += of.expovariate(PROBES + USERS)
        if of.random() < PROBES / (PROBES + USERS):
            one = Execution("shop", "GET /healthz", START_S + at_s, of.uniform(2.0, 3.0))
        else:
            name = f"GET /route-{of.randrange(ROUTES)}"
            one = Execution("shop", name, START_S + at_s, of.uniform(45.0, 55.0), kind=kind)
        changed = change(one, at_s) if at_s >= GONE_S else one
        if changed is not None:
            made.append(changed)
    return made


def told(executions: list[Execution], chunk: int = 500, restore_after: int | None = None) -> list[AnomalyEvent]:
    scorer, found = Scorer(DetectionSettings(), InlineFitter()), list[AnomalyEvent]()
    for first in range(0, len(executions), chunk):
        found += [event for _, event in scorer.score(executions[first : first + chunk]).anomalies]
        if restore_after is not None and first >= restore_after:
            restored = Scorer(DetectionSettings(), InlineFitter())
            restored.restore(scorer.snapshot(SHOP))
            scorer, restore_after = restored, None
    return found


def users_go(one: Execution, at_s: float) -> Execution | None:
    return one if one.operation == "GET /healthz" else None


def test_users_who_are_gone_behind_health_probes_are_told_once() -> None:
    executions = life(users_go)
    [event] = told(executions)
    data = event.data
    assert (data.kind, data.signal, data.severity, data.actual) == ("traffic", SIGNAL, "major", 0.0)
    assert data.typical == pytest.approx(USERS, rel=0.25)
    assert "and 2 other operations of shop had no executions for " in data.reason
    assert data.window is not None
    assert data.window.count == 0
    assert told(executions, chunk=37, restore_after=20_000) == [event]


def test_one_operation_that_stops_is_minor() -> None:
    [event] = told(life(lambda one, at_s: one if one.operation != "GET /route-2" else None))
    assert event.data.severity == "minor"
    assert event.data.reason.startswith("GET /route-2 of shop had no executions for ")


def renamed(one: Execution, at_s: float) -> Execution | None:
    return Execution("shop", one.operation.replace("route", "v2/route"), one.started_s, one.duration_ms)


def all_pause(one: Execution, at_s: float) -> Execution | None:
    return None if at_s < GONE_S + 40.0 else one


def ever_rarer(one: Execution, at_s: float) -> Execution | None:
    left = 1.0 - (at_s - GONE_S) / (END_S - GONE_S)
    return one if one.operation == "GET /healthz" or hash(one.started_s) % 1_000 < 1_000 * left else None


@pytest.mark.parametrize("change", [lambda one, at_s: one, renamed, all_pause, ever_rarer])
def test_nothing_has_stopped_where_all_moves_pauses_or_fades(change: Change) -> None:
    assert [event for event in told(life(change)) if event.data.signal == SIGNAL] == []


@pytest.mark.parametrize("kind", ["job", "command", "log"])
def test_what_ends_is_not_missed(kind: ExecutionKind) -> None:
    assert [event for event in told(life(users_go, kind)) if event.data.signal == SIGNAL] == []
