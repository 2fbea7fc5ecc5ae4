"""Alerts that are fired and resolved by Debian's Prometheus and Alertmanager while tracehound is broken on purpose.

All of them take minutes: `make test-alerts`. A few, of each kind of process one, are tried with all other tests.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.alerts import faults
from tests.end_to_end.alerts.faults import Fault
from tests.end_to_end.alerts.system import System
from tests.end_to_end.alerts.watchers import Told, watching
from tests.end_to_end.conftest import wait_until_within
from tests.infra.test_alerts import rules

PATIENCE_S = 300.0
LOOK_S = 0.5
ALL = pytest.mark.skipif(not os.environ.get("TRACEHOUND_REAL_ALERTS"), reason="minutes: make test-alerts")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    started = System(tmp_path)
    yield started
    started.close()


@pytest.fixture
def told(system: System, tmp_path: Path, real_program: Callable[..., str]) -> Iterator[Told]:
    """What Alertmanager tells, once everything works and nothing is told any more."""
    with watching(system.targets(), tmp_path, real_program) as told:
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


def all_resolved(told: Told, broken: set[str]) -> bool:
    return not told.firing() and all(told.of(name)[-1] == "resolved" for name in broken)


def test_some_alerts_fire_and_are_resolved(system: System, told: Told) -> None:
    together = [faults.frozen(system, "intake", "TracehoundDown"), faults.poison(system), faults.receivers_away(system)]
    broken = break_and_mend(together, told)
    assert len(broken) == 4
    wait_until_within(lambda: all_resolved(told, broken), "all are resolved", PATIENCE_S, LOOK_S)


@ALL
def test_every_alert_fires_and_is_resolved(
    system: System, told: Told, record_testsuite_property: Callable[[str, object], None]
) -> None:
    one_after_another = (
        [
            faults.frozen(system, "intake", "TracehoundDown"),
            *(faults.poison(system), faults.receivers_away(system), faults.full_disk(system)),
            *(faults.drifting(system), faults.noisy(system)),
        ],
        [
            faults.starved(system, "intake", "TracehoundIntakeBehind", flood=faults.flood_of_calls),
            faults.starved(
                system, "incidents", "TracehoundGroupingBehind", flood=faults.flood_of_progress, every_s=2.0
            ),
        ],
        [faults.helpers_killed(system)],
        [faults.scoring_raises(system)],
        [faults.records_deleted(system)],
        [
            faults.starved(
                *(system, "worker", "TracehoundScoringSlow", "TracehoundLagGrowing"),
                flood=faults.flood_of_executions,
                every_s=60.0,
            )
        ],
        [faults.drills_fail(system)],
        [faults.broker_frozen(system)],
        [faults.nothing_sent(system)],
    )
    broken: set[str] = set()
    for together in one_after_another:
        broken |= break_and_mend(together, told)
    wait_until_within(lambda: all_resolved(told, broken), "all are resolved", PATIENCE_S, LOOK_S)
    assert broken == {rule["alert"] for rule in rules("alerts")}
    record_testsuite_property("alerts", len(rules("alerts")))
    record_testsuite_property("alerts_fired_and_resolved", len(broken))
    record_testsuite_property("alerts_by_recorded_text", len(system.recorded))
