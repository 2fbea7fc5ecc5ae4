"""Older windows are longer ones, with the same counts and quantiles; the oldest go."""

import pytest

from tests.console.executions.kept import NOW_S, execution, keeper, stretch, windows
from tracehound.console.executions.keeper import Bounds
from tracehound.console.executions.measures import ATTRIBUTE, DURATION
from tracehound.console.executions.times import Ages
from tracehound.console.executions.windows import DAY_S, HOUR_S, MINUTE_S, Window
from tracehound.console.store.engine import Store

DAY_BEGIN_S = NOW_S // DAY_S * DAY_S
SHARES = [0.0, 0.05, 0.5, 0.95, 0.99, 1.0]


def everything(store: Store) -> Window:
    whole = Window()
    for window in windows(store).values():
        whole.merge(window)
    return whole


def coarsened(store: Store, wall_s: float, bounds: Bounds | None = None) -> None:
    one = keeper(store, bounds, wall_s)
    while one.coarsen():
        pass


def test_minutes_become_hours_and_hours_days_without_a_change_of_what_they_say(store: Store) -> None:
    one = keeper(store, wall_s=DAY_BEGIN_S)
    executions = [*stretch(DAY_BEGIN_S, 4 * HOUR_S)]
    one.take(0, executions, len(executions))
    one.store()
    before = everything(store)
    assert {key[3] for key in windows(store)} == {MINUTE_S}

    # the wall clock goes on from when the application was heard last, and with it the application's time
    coarsened(store, DAY_BEGIN_S + 4 * HOUR_S + 60)
    found = windows(store)
    assert {key[3] for key in found} == {HOUR_S, MINUTE_S}
    assert sum(key[3] == HOUR_S for key in found) == 2
    coarsened(store, DAY_BEGIN_S + 16 * DAY_S)
    assert {key[3:] for key in windows(store)} == {(DAY_S, int(DAY_BEGIN_S))}

    after = everything(store)
    assert (after.count, after.errors, after.results) == (before.count, before.errors, before.results)
    for name in (DURATION, ATTRIBUTE + "value"):
        assert after.numbers[name].quantiles(SHARES) == before.numbers[name].quantiles(SHARES)
        assert after.numbers[name].total == pytest.approx(before.numbers[name].total)

    coarsened(store, DAY_BEGIN_S + 402 * DAY_S)
    assert windows(store) == {}


def test_an_hour_is_merged_as_a_whole(store: Store) -> None:
    one = keeper(store, wall_s=DAY_BEGIN_S)
    one.take(0, [*stretch(DAY_BEGIN_S, HOUR_S)], HOUR_S)
    one.store()
    coarsened(store, DAY_BEGIN_S + 6 * HOUR_S - 120)
    assert {key[3] for key in windows(store)} == {MINUTE_S}
    coarsened(store, DAY_BEGIN_S + 6 * HOUR_S + 120)
    assert {key[3] for key in windows(store)} == {HOUR_S}


def test_windows_that_were_merged_can_still_grow(store: Store) -> None:
    one = keeper(store, wall_s=DAY_BEGIN_S)
    one.take(0, [*stretch(DAY_BEGIN_S, HOUR_S)], HOUR_S)
    one.take(0, [*stretch(DAY_BEGIN_S + 10 * HOUR_S, 600)], HOUR_S + 600)
    one.store()
    while one.coarsen():
        pass
    one.take(0, [execution(DAY_BEGIN_S + 5)], HOUR_S + 601)
    one.store()
    found = {key[3:]: window.count for key, window in windows(store).items()}
    assert found[HOUR_S, int(DAY_BEGIN_S)] == HOUR_S + 1
    assert sum(found.values()) == HOUR_S + 601


def test_a_recording_of_long_ago_is_as_new_as_its_newest_execution(store: Store) -> None:
    one = keeper(store, Bounds(ages=Ages()), wall_s=NOW_S)
    one.take(0, [*stretch(1_000_000_000.0, 600)], 600)
    one.store()
    assert not one.coarsen()
    assert {key[3] for key in windows(store)} == {MINUTE_S}
