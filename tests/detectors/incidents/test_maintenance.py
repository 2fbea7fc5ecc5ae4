"""Maintenance windows: incidents within one are muted, and told when they outlast it."""

import pytest

from tests.detectors.incidents.records import World, anomaly, changes, maintenance, silence
from tracehound.detectors.incidents.maintenance import WINDOWS, MaintenanceWindows
from tracehound.schemas.feedback import Maintenance

KEY = "shop//latency/GET /"


@pytest.fixture
def world() -> World:
    return World({"shop": ["stock"], "stock": [], "other": []})


def test_incidents_within_a_window_are_told_as_muted(world: World) -> None:
    world.take(maintenance(0.0, 100.0, "shop"))
    [opened] = world.take(anomaly("shop", 16.0))
    told = world.run(until_s=300.0)

    assert opened.data.muted_by == "w"
    assert [(event.data.state, event.data.muted_by) for event in told] == [("resolved", "w")]


def test_what_lasts_beyond_the_window_is_no_longer_muted(world: World) -> None:
    world.take(maintenance(0.0, 100.0))
    world.take(anomaly("shop", 16.0))
    world.ongoing["shop"] = {KEY}
    [told] = world.run(until_s=200.0)

    assert told.data.muted_by is None
    assert told.data.reason == "no longer within the maintenance window w"


def test_silence_that_outlasts_the_window_is_told_by_the_progress_of_others(world: World) -> None:
    world.take(maintenance(0.0, 600.0, "stock"))
    world.stopped = {"stock"}
    [opened] = world.take(silence("stock", 15.0, 35.0))
    assert world.run(until_s=590.0) == []
    [told] = world.run(until_s=700.0)
    world.stopped = set()

    assert opened.data.muted_by == "w"
    assert told.data.muted_by is None
    assert [event.data.muted_by for event in world.run(until_s=1_000.0)] == [None]


def test_an_application_outside_of_the_window_makes_it_heard(world: World) -> None:
    world.take(maintenance(0.0, 1_000.0, "shop"))
    world.take(anomaly("shop", 16.0))
    told = world.take(anomaly("stock", 20.0, "critical", kind="errors"))

    assert changes(told) == [("updated", "critical")]
    assert told[0].data.muted_by is None


def test_windows_can_be_taken_back(world: World) -> None:
    world.take(maintenance(0.0, 1_000.0), maintenance(0.0, 1_000.0, withdrawn=True))

    assert world.take(anomaly("shop", 16.0))[0].data.muted_by is None


def test_windows_cover_one_environment_and_one_time() -> None:
    windows = MaintenanceWindows({})
    windows.announce(Maintenance("late", 100.0, 300.0, "shop", "test"))
    windows.announce(Maintenance("early", 50.0, 200.0, "", "test"))

    assert windows.covering("", [("shop", 150.0)]) is None
    assert windows.covering("test", [("shop", 300.0)]) is None
    for deviations, expected in (
        ([("shop", 150.0)], "late"),
        ([("shop", 60.0)], "early"),
        ([("shop", 150.0), ("other", 150.0)], "early"),
        ([("shop", 250.0)], "late"),
    ):
        found = windows.covering("test", deviations)
        assert found is not None
        assert found.window_id == expected


def test_windows_are_bounded() -> None:
    state: dict[str, Maintenance] = {}
    windows = MaintenanceWindows(state)
    for number in range(WINDOWS + 10):
        windows.announce(Maintenance(str(number), 0.0, float(number)))

    assert len(state) == WINDOWS
    assert "0" not in state


@pytest.mark.parametrize(("environment", "muted"), [("", True), ("*", False), ("prod", False)])
def test_a_window_is_for_its_environment_or_for_all(environment: str, muted: bool) -> None:
    windows = MaintenanceWindows({})
    windows.announce(Maintenance("w", 0.0, 100.0, environment=environment))
    everywhere = MaintenanceWindows({})
    everywhere.announce(Maintenance("w", 0.0, 100.0, environment="*"))

    assert (windows.covering("", [("shop", 5.0)]) is not None) == (muted or environment == "*")
    assert everywhere.covering(environment, [("shop", 5.0)]) is not None
