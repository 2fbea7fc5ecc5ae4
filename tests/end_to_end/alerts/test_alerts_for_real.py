"""Alerts that are fired and resolved by Debian's Prometheus and Alertmanager while tracehound is broken on purpose.

All of them take minutes: `make test-alerts`, or, for what is called so in ``PHASES``, pytest with
``TRACEHOUND_REAL_ALERTS=slow,drills``. A few, of each kind of process one, are tried with all other tests.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.alerts import faults
from tests.end_to_end.alerts.faults import Fault
from tests.end_to_end.alerts.system import System
from tests.end_to_end.alerts.watchers import Told, watching
from tests.end_to_end.conftest import wait_until_within
from tests.infra.test_alerts import rules

PATIENCE_S = 600.0  # a worker that has just been installed compiles its loops while a drill waits
LOOK_S = 0.5
CHOSEN = os.environ.get("TRACEHOUND_REAL_ALERTS", "")
ALL = pytest.mark.skipif(not CHOSEN, reason="minutes: make test-alerts")
PHASES: Final[Mapping[str, Callable[[System], Sequence[Fault]]]] = {
    "together": lambda system: [
        faults.frozen(system, "intake", "TracehoundDown"),
        *(faults.poison(system), faults.receivers_away(system), faults.full_disk(system)),
        *(faults.drifting(system), faults.noisy(system)),
    ],
    "behind": lambda system: [
        faults.starved(system, "intake", "TracehoundIntakeBehind", flood=faults.flood_of_calls),
        faults.starved(system, "incidents", "TracehoundGroupingBehind", flood=faults.flood_of_progress, every_s=2.0),
    ],
    "console": lambda system: [
        faults.frozen(system, "console", "TracehoundDown"),
    ],
    "database": lambda system: [faults.slow_database(system)],
    "helpers": lambda system: [faults.helpers_killed(system)],
    "scoring": lambda system: [faults.scoring_raises(system)],
    "deleted": lambda system: [faults.records_deleted(system)],
    "slow": lambda system: [
        faults.starved(
            *(system, "worker", "TracehoundScoringSlow", "TracehoundLagGrowing"),
            flood=faults.flood_of_executions,
            every_s=60.0,
        )
    ],
    "broker": lambda system: [faults.broker_frozen(system)],
    "silence": lambda system: [faults.nothing_sent(system)],
    "drills": lambda system: [faults.drills_fail(system)],
}
"""What is broken at once, one after another."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    started = System(tmp_path)
    yield started
    started.close()


@pytest.fixture
def told(system: System, tmp_path: Path, real_program: Callable[..., str]) -> Iterator[Told]:
    """What Alertmanager tells, once everything works and nothing is told any more."""
    with watching(system.targets(), {"tracehound-console": system.console_key}, tmp_path, real_program) as told:
        for kind in system.processes:
            system.wait_until_ready(kind)
        yield told


def break_and_mend(together: Sequence[Fault], told: Told) -> set[str]:
    """Break things until all their alerts fire; returns those alerts, once all is mended."""
    names = {name for fault in together for name in fault.alerts}
    wait_until_within(lambda: not told.firing() & names, f"none of {names} fires before its fault", PATIENCE_S, LOOK_S)
    since = told.count()

    def all_fire() -> bool:
        for fault in together:
            fault.again()
        return all("firing" in told.of(name, since) for name in names)

    with ExitStack() as mending:
        for fault in together:
            mending.callback(fault.mend)
        wait_until_within(all_fire, f"all of {names} fire", PATIENCE_S, LOOK_S)
    return names


def wait_until_resolved(together: Sequence[Fault], told: Told) -> None:
    """Until nothing fires any more."""
    broken = {name for fault in together for name in fault.alerts}

    def resolved() -> bool:
        for fault in together:
            fault.after()
        return not told.firing() and all(told.of(name)[-1] == "resolved" for name in broken)

    wait_until_within(resolved, "all are resolved", PATIENCE_S, LOOK_S)


def test_some_alerts_fire_and_are_resolved(system: System, told: Told) -> None:
    together = [faults.frozen(system, "intake", "TracehoundDown"), faults.poison(system), faults.receivers_away(system)]
    assert len(break_and_mend(together, told)) == 4
    wait_until_resolved(together, told)


@ALL
@pytest.mark.timeout(3_600)
def test_every_alert_fires_and_is_resolved(
    system: System, told: Told, record_testsuite_property: Callable[[str, object], None]
) -> None:
    names = PHASES if CHOSEN == "1" else CHOSEN.split(",")
    phases = [PHASES[name](system) for name in names]
    broken = {name for together in phases for name in break_and_mend(together, told)}
    wait_until_resolved([fault for together in phases for fault in together], told)
    if CHOSEN != "1":
        return
    assert broken == {rule["alert"] for rule in rules("alerts")}
    record_testsuite_property("alerts", len(rules("alerts")))
    record_testsuite_property("alerts_fired_and_resolved", len(broken))
    record_testsuite_property("alerts_by_recorded_text", len(system.recorded))
