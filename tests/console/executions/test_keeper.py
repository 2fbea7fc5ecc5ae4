"""Each execution is counted once: after a crash anywhere, a take-over, a topic made anew, and on both engines."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from tests.console.executions.kept import NOW_S, TOPIC, counts, execution, keeper, stretch, windows
from tracehound.console.executions.coarsening import coarsen
from tracehound.console.executions.keeper import Bounds, Keeper, SupersededError
from tracehound.console.executions.measures import DURATION
from tracehound.console.executions.windows import MINUTE_S, OTHERS
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import operation_numbers, operation_times, operations
from tracehound.streams.kafka.forwarding import Origin


def begin(one: Keeper, earliest: int = 0, end: int = 10_000, topic_id: str = "") -> int:
    return one.begin(0, topic_id, earliest, end)


def test_what_was_taken_is_there_in_windows_of_its_own_time(store: Store) -> None:
    one = keeper(store)
    one.take(0, [*stretch(NOW_S, 180, per_s=2)], 360)
    one.store()
    found = windows(store)
    first = int(NOW_S) // MINUTE_S * MINUTE_S
    assert sorted(key[4] for key in found) == [first + MINUTE_S * number for number in range(len(found))]
    assert sum(window.count for window in found.values()) == 360
    assert {key[:4] for key in found} == {("shop", "", "GET /", MINUTE_S)}


def test_a_window_that_is_stored_again_and_again_is_that_of_all_executions(store: Store) -> None:
    one, chance = keeper(store), random.Random(3)
    begin_s, durations = NOW_S // 60 * 60, [chance.lognormvariate(3, 1) for _ in range(500)]
    for first in range(0, 500, 50):
        if first % 150 == 0:
            one = keeper(store)  # one that remembers nothing
        some = durations[first : first + 50]
        one.take(0, [execution(begin_s + 1, duration_ms=duration) for duration in some], first + 50)
        one.store()
    [window] = windows(store).values()
    numbers = window.numbers[DURATION]
    assert (window.count, numbers.low, numbers.high) == (500, min(durations), max(durations))
    assert numbers.total == pytest.approx(sum(durations))
    assert numbers.quantiles([0.5]) == pytest.approx([sorted(durations)[249]], rel=0.0051)


def crashes(chance: random.Random) -> Callable[..., bool]:
    """``coarsen``, after which the process dies now and then: within the transaction."""

    def dying(*given: Any) -> bool:
        more = coarsen(*given)
        if chance.random() < 0.3:
            raise KeyboardInterrupt
        return more

    return dying


def test_crashes_lose_and_repeat_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(8)
    # five days in which windows are merged all the time
    log = [execution(NOW_S + number * 600.0, operation=f"op-{number % 3}") for number in range(720)]
    monkeypatch.setattr("tracehound.console.executions.keeper.coarsen", crashes(chance))
    reached = 0
    while reached < len(log):
        one = Keeper(store, TOPIC, frozenset(), Bounds(window_bytes=5_000), lambda: NOW_S)
        at = reached = begin(one, end=len(log))
        try:
            while at < len(log):
                following = min(len(log), at + chance.randrange(1, 60))
                one.take(0, log[at:following], following)
                at = following
                if chance.random() < 0.1:
                    raise KeyboardInterrupt
                if chance.random() < 0.5:
                    one.store()
                    reached = at
                    one.coarsen()
            one.store()
            reached = at
        except KeyboardInterrupt:
            pass
    assert counts(store) == {f"op-{number}": 240 for number in range(3)}
    assert len({key[3] for key in windows(store)}) == 2


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    one = keeper(store)
    one.take(0, [execution()], 1)

    def refuse(connection: Connection) -> None:
        raise KeyboardInterrupt

    one._store_times = refuse  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        one.store()
    assert windows(store) == {}
    assert begin(keeper(store)) == 0


def test_who_no_longer_owns_a_partition_stores_nothing(store: Store) -> None:
    old = keeper(store)
    old.take(0, [execution()], 1)
    new = keeper(store)
    new.take(0, [execution(), execution()], 2)
    new.store()
    with pytest.raises(SupersededError, match=f"Partition 0 of {TOPIC}"):
        old.store()
    assert counts(store) == {"GET /": 2}


@pytest.mark.parametrize(
    ("topic_id", "earliest", "end", "expected"),
    [("a", 0, 50, 7), ("", 0, 50, 7), ("a", 20, 50, 20), ("a", 0, 3, 0), ("b", 0, 50, 0), ("b", 9, 50, 9)],
)
def test_reading_goes_on_where_storing_ended_unless_the_topic_is_another_one(
    store: Store, topic_id: str, earliest: int, end: int, expected: int
) -> None:
    one = keeper(store)
    begin(one, topic_id="a")
    one.take(0, [execution()], 7)
    one.store()
    other = Keeper(store, TOPIC, frozenset(), Bounds(), lambda: NOW_S)
    assert begin(other, earliest, end, topic_id) == expected
    other.take(0, [execution()], expected + 1)
    other.store()
    assert counts(store) == {"GET /": 2}


def test_origins_that_were_counted_are_known_after_a_restart(store: Store) -> None:
    one = keeper(store)
    one.take(0, [execution()], 1, [Origin("spans", 3, 500, "x"), Origin("spans", 3, 700, "x")])
    one.store()
    again = keeper(store)
    assert again.origins.is_counted(0, Origin("spans", 3, 700, "x"))
    assert not again.origins.is_counted(0, Origin("spans", 3, 701, "x"))
    assert not again.origins.is_counted(0, Origin("spans", 4, 1, "x"))
    assert not again.origins.is_counted(0, Origin("spans", 3, 1, "another"))
    again.take(0, [], 2, [Origin("spans", 3, 1, "another")])
    again.store()
    last = keeper(store)
    assert [source.topic for source in last.origins.numbers] == ["spans@another"]


def test_late_executions_are_counted_apart(store: Store) -> None:
    one = keeper(store)
    one.take(0, [*stretch(NOW_S, 60)], 60)
    one.take(0, [execution(NOW_S - 5 * 86_400), execution(NOW_S - 3_600)], 62)
    one.store()
    one.take(0, [execution(NOW_S - 5 * 86_400), execution(NOW_S + 60)], 64)
    one.store()
    with store.read() as connection:
        assert connection.execute(select(operation_times.c.late)).scalars().all() == [2]
    assert counts(store) == {"GET /": 62}


def test_operations_and_applications_beyond_the_bounds_are_kept_together(store: Store) -> None:
    bounds = Bounds(operations=3, applications=2)
    for first in (0, 30):
        one = keeper(store, bounds)
        hostile = [execution(operation=f"op-{number}") for number in range(30)]
        strangers = [execution(application=f"app-{number}") for number in range(20)]
        one.take(0, [*hostile, *strangers], first + 30)
        one.store()
    found = windows(store)
    by_name = {key[:3]: window.count for key, window in found.items()}
    assert by_name == {
        **{("shop", "", f"op-{number}"): 2 for number in range(3)},
        ("shop", "", OTHERS): 54,
        ("app-0", "", "GET /"): 2,
        (OTHERS, "0", OTHERS): 38,
    }
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(operation_times)).scalar_one() == 3


def test_a_damaged_sketch_begins_anew_and_is_no_end_of_reading(store: Store) -> None:
    one = keeper(store)
    one.take(0, [execution(), execution()], 2)
    one.store()
    with store.write() as connection:
        connection.execute(update(operation_numbers).values(sketch=b"\x80\x04N."))
    again = keeper(store)
    again.take(0, [execution()], 3)
    again.store()
    [window] = windows(store).values()
    assert (window.count, window.numbers[DURATION].sketch.count) == (3, 1)


def test_names_that_are_long_are_kept_apart(store: Store) -> None:
    chance = random.Random(1)
    name = "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(1_000))
    one = keeper(store)
    one.take(
        0, [execution(operation=name + "a"), execution(operation=name + "b"), execution(application=name[:200])], 3
    )
    one.store()
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(operations)).scalar_one() == 3
