"""States of several keys are taken over, or refused, as each of them would be alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.detectors.damage import changes
from tests.detectors.state_adapters import ADAPTERS, Adapter, Rows
from tracehound.detectors.errors.error_rate import ErrorRate
from tracehound.detectors.packed.stored_columns import RestoredTogether, StoredArray, checked_columns
from tracehound.detectors.packed.stored_numbers import numbers
from tracehound.detectors.windows.arrivals import Arrivals

TOGETHER = {name: make for name, (kind, make) in ADAPTERS.items() if issubclass(kind, RestoredTogether)}
FEW, MANY = 150, 2_100
"""Rows that keys have learned."""


@pytest.fixture(params=list(TOGETHER.values()), ids=list(TOGETHER))
def make(request: pytest.FixtureRequest) -> Callable[[], Adapter]:
    maker: Callable[[], Adapter] = request.param
    return maker


def learned(make: Callable[[], Adapter], rows: int) -> Any:
    """The detector's state of a key that has learned so many rows."""
    random, made = np.random.default_rng(rows), make()
    made.open(0)
    values = random.lognormal(4.0, 0.4, rows) * np.where(random.random(rows) < 0.01, 10.0, 1.0)
    made.learn(Rows(np.zeros(rows, np.int64), values, np.cumsum(random.exponential(1.0, rows))))
    return made.detector.snapshot(0)


def stored(state: Any) -> Any:
    """A state as it is read."""
    return {name: of_bytes(value) if isinstance(value, np.ndarray) else value for name, value in state.items()}


def of_bytes(array: NDArray[Any]) -> StoredArray:
    return StoredArray(array.dtype.name, array.shape, array.tobytes())


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def opened(make: Callable[[], Adapter]) -> Any:
    made = make()
    for slot in range(4):
        made.open(slot)
    return made.detector


def test_those_that_keep_most_are_restored_together() -> None:
    assert len(TOGETHER) >= 6
    assert issubclass(ErrorRate, RestoredTogether)
    assert issubclass(Arrivals, RestoredTogether)


def test_states_of_several_keys_are_those_of_each(make: Callable[[], Adapter]) -> None:
    states = [learned(make, rows) for rows in (FEW, 0, MANY)]
    found = opened(make)
    for states_given in ([stored(one) for one in states], states):
        found.restore_many(np.array([2, 0, 3]), states_given)
        for slot, state in zip((2, 0, 3), states, strict=True):
            assert same(found.snapshot(slot), state)
    found.restore_many(np.zeros(0, np.int64), [])
    assert same(found.snapshot(3), states[2])


def test_a_changed_number_is_refused_among_others_as_alone(make: Callable[[], Adapter]) -> None:
    whole = learned(make, MANY)
    alone, among = opened(make), opened(make)
    refused = accepted = 0
    for path, change, damaged in changes(learned(make, FEW)):
        where = f"{path} = {change!r:.200}"
        try:
            alone.restore(0, damaged)
        except (KeyError, ValueError):
            refused += 1
            for given in (damaged, stored(damaged)):
                with pytest.raises((KeyError, ValueError)):
                    among.restore_many(np.array([1, 0]), [stored(whole), given])
            continue
        accepted += 1
        among.restore_many(np.array([1, 0]), [stored(whole), stored(damaged)])
        assert same(among.snapshot(0), alone.snapshot(0)), where
        assert same(among.snapshot(1), whole), where
    assert refused
    assert accepted


def test_arrays_hold_what_their_shape_says_and_numbers_alone() -> None:
    rules = {"kept": numbers(np.float32, (2,), 0.0, 9.0)}
    fine = StoredArray("float32", (2,), bytes(8))
    assert checked_columns("a sample", [{"kept": fine}] * 2, rules)["kept"].shape == (2, 2)
    for other in (
        StoredArray("float32", (2,), bytes(4)),
        StoredArray("float32", (2, 2), bytes(16)),
        StoredArray("float64", (2,), bytes(16)),
        StoredArray("object", (2,), bytes(16)),
        StoredArray("float32", (2**40, 2**40), bytes(8)),
    ):
        for states in ([{"kept": fine}, {"kept": other}], [{"kept": other}]):
            with pytest.raises(ValueError):
                checked_columns("a sample", states, rules)


def test_values_ascend_within_a_key_and_not_from_one_to_the_next() -> None:
    _, make = ADAPTERS["Chart"]
    state, found = learned(make, FEW), opened(make)
    upside_down = state | {"ordered": state["ordered"][::-1].copy()}
    found.restore_many(np.array([0, 1]), [stored(state), stored(state)])
    assert same(found.snapshot(0), found.snapshot(1))
    for states in ([state, upside_down], [upside_down, state]):
        with pytest.raises(ValueError, match="must ascend"):
            found.restore_many(np.array([0, 1]), [stored(one) for one in states])
