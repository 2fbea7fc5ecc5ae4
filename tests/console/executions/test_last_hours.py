"""The last hours of applications by the minute: as many as are kept in windows, and no more than is asked for."""

from sqlalchemy import select

from tests.console.executions.kept import NOW_S, execution, keeper
from tracehound.console.executions.keeper import Bounds
from tracehound.console.executions.last_hours import KEPT_S
from tracehound.console.executions.windows import MINUTE_S, OTHERS
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import application_minutes

BEGIN_S = int(NOW_S) // MINUTE_S * MINUTE_S


def minutes(store: Store) -> dict[tuple[str, int], tuple[int, float]]:
    """Count and sum of durations by application and minute after ``BEGIN_S``."""
    columns = application_minutes.c
    wanted = select(columns.application, columns.minute_us, columns["count"], columns.total_ms)
    with store.read() as connection:
        found = [tuple(row) for row in connection.execute(wanted)]
    return {(name, (at_us // 1_000_000 - BEGIN_S) // 60): (count, total) for name, at_us, count, total in found}


def test_operations_of_an_application_are_added_up_and_each_execution_counts_once(store: Store) -> None:
    one = keeper(store)
    for offset, (after_s, operation, duration_ms) in enumerate([(1, "a", 5.0), (2, "b", 7.0), (61, "a", 1.0)]):
        one.take(0, [execution(BEGIN_S + after_s, operation=operation, duration_ms=duration_ms)], offset + 1)
        one.store()
    one.take(0, [execution(BEGIN_S + 3, "other")], 4)
    one.store()
    again = keeper(store)  # after a crash, from where storing ended
    again.take(0, [execution(BEGIN_S + 4, duration_ms=8.0)], 5)
    again.store()
    assert minutes(store) == {("shop", 0): (3, 20.0), ("shop", 1): (1, 1.0), ("other", 0): (1, 5.0)}


def test_what_is_older_than_some_hours_goes(store: Store) -> None:
    one = keeper(store)
    for offset, after_s in enumerate((0, 60, KEPT_S + 60)):
        one.take(0, [execution(BEGIN_S + after_s), execution(BEGIN_S, "quiet")], offset + 1)
        one.store()
    assert [key for key in minutes(store) if key[0] == "shop"] == [("shop", 1), ("shop", KEPT_S // 60 + 1)]
    assert minutes(store)["quiet", 0] == (3, 15.0)


def test_applications_beyond_the_bound_are_one_here_too(store: Store) -> None:
    one = keeper(store, Bounds(applications=1))
    one.take(0, [execution(BEGIN_S, "shop")], 1)
    one.store()
    one.take(0, [execution(BEGIN_S, name) for name in "abc"], 4)
    one.store()
    assert minutes(store) == {("shop", 0): (1, 5.0), (OTHERS, 0): (3, 15.0)}
