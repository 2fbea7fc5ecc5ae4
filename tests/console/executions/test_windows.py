"""Executions are gathered by window, exactly counted, and within bounds whatever they are called."""

import random
from typing import Any

import pytest

from tracehound.console.executions.measures import ATTRIBUTE, DURATION, MOST_ATTRIBUTES, numbers_of
from tracehound.console.executions.windows import (
    MOST_RESULTS,
    OTHERS,
    Gathering,
    Numbers,
    Window,
    WindowKey,
    begin_of,
)
from tracehound.detectors.settings import PRIVATE
from tracehound.schemas.execution import ExecutionFailure, ExecutionHead

KEY = WindowKey("shop", "", "GET /", 60, 120)


def execution(duration_ms: float = 5.0, **given: Any) -> ExecutionHead:
    return ExecutionHead("shop", "GET /", 125.0, duration_ms, **given)


def gathered(*executions: ExecutionHead) -> Window:
    gathering = Gathering(frozenset(PRIVATE))
    for one in executions:
        gathering.add(one, KEY)
    taken = gathering.take()
    assert (gathering.values, len(gathering)) == (0, 0)
    return taken[KEY]


def test_counts_and_extremes_are_exact() -> None:
    failed = execution(9.0, error=ExecutionFailure("E"), result=500)
    window = gathered(execution(1.5, result=200), execution(2.5, status="error"), failed, execution(result="done"))
    assert (window.count, window.errors) == (4, 2)
    assert window.results == {"200": 1, "500": 1, "done": 1}
    duration = window.numbers[DURATION]
    assert (duration.low, duration.high, duration.total, duration.sketch.count) == (1.5, 9.0, 18.0, 4)
    assert duration.quantiles([0.0, 1.0]) == [1.5, 9.0]


def test_windows_add_up() -> None:
    chance = random.Random(1)
    executions = [execution(chance.expovariate(0.1), attributes={"value": chance.gauss(0, 9)}) for _ in range(400)]
    whole, parts = gathered(*executions), Window()
    for first in range(0, 400, 7):
        parts.merge(gathered(*executions[first : first + 7]))
    assert (parts.count, parts.results) == (whole.count, whole.results)
    shares = [0.0, 0.1, 0.5, 0.9, 1.0]
    for name in (DURATION, ATTRIBUTE + "value"):
        assert parts.numbers[name].quantiles(shares) == whole.numbers[name].quantiles(shares)
        assert parts.numbers[name].total == pytest.approx(whole.numbers[name].total)


def test_attributes_of_random_names_leave_those_that_all_have() -> None:
    chance, window = random.Random(2), Window()
    for _ in range(20):
        hostile = [
            execution(attributes={"value": 1.0, **{f"n{chance.random()}": 2.0 for _ in range(40)}}) for _ in range(30)
        ]
        window.merge(gathered(*hostile))
    attributes = [name for name in window.numbers if name.startswith(ATTRIBUTE)]
    assert len(attributes) == MOST_ATTRIBUTES
    assert window.numbers[ATTRIBUTE + "value"].sketch.count == 600


def test_results_beyond_the_bound_are_counted_together() -> None:
    window = Window()
    for first in range(0, 300, 30):
        rare = (execution(result=f"r{number}") for number in range(first, first + 30))
        window.merge(gathered(execution(result="ok"), *rare))
    assert len(window.results) == MOST_RESULTS
    assert sum(window.results.values()) == window.count == 310
    assert window.results["ok"] == 10
    assert window.results[OTHERS] > 200


def test_what_tells_a_persons_identity_and_what_is_no_number_is_not_kept() -> None:
    attributes = {
        "user_id": 5,
        "card.number": 4e15,
        "value": 2,
        "flag": True,
        "text": "7",
        "many": [1],
        "huge": 10**400,
    }
    kept = dict(numbers_of(execution(attributes=attributes), frozenset(PRIVATE)))
    assert kept == {DURATION: 5.0, ATTRIBUTE + "value": 2.0}
    assert dict(numbers_of(execution(attributes=attributes), frozenset({"*"}))) == {DURATION: 5.0}


def test_results_that_are_long_or_unprintable_are_not_kept() -> None:
    assert gathered(execution(result="x" * 65), execution(result="a\x1b[2J")).results == {}


def test_what_is_gathered_says_how_much_it_is() -> None:
    gathering = Gathering(frozenset())
    for number in range(3):
        gathering.add(execution(attributes={"a": 1.0}), KEY._replace(start_s=60 * (number // 2)))
    assert (gathering.values, gathering.lists) == (6, 4)
    gathering.take()
    assert (gathering.values, gathering.lists) == (0, 0)


def test_late_executions_are_counted() -> None:
    gathering = Gathering(frozenset())
    gathering.add_late(("shop", ""))
    gathering.add_late(("shop", ""))
    assert gathering.late == {("shop", ""): 2}
    assert gathering.take() == {}


def test_begins_are_multiples_also_before_the_epoch() -> None:
    assert [begin_of(at_s, 60) for at_s in (0.0, 59.99, 60.0, -0.5)] == [0, 0, 60, -60]


def test_numbers_of_one_name_keep_their_extremes_when_they_are_added() -> None:
    one, other = Numbers(), Numbers()
    one.add([5.0, -2.0])
    other.add([100.0])
    one.merge(other)
    assert (one.low, one.high, one.total, one.sketch.count) == (-2.0, 100.0, 103.0, 3)
