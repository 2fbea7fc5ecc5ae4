"""Rows that grow by need: nobody's values are another's, and what is given back is used again."""

import numpy as np
import pytest

from tracehound.detectors.packed.growing_rows import (
    NO_ROW,
    UNIT,
    GrowingRows,
    give_row_back,
    larger_row,
    room_for,
    take_row,
)

MOST = 512


def of(number: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (number * 1_000.0 + np.arange(count)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_rows_keep_their_values_while_others_come_grow_and_go(seed: int) -> None:
    random, rows = np.random.default_rng(seed), GrowingRows()
    held: dict[int, tuple[int, int]] = {}
    for number in range(2_000):
        if held and random.random() < 0.45:
            place, count = held.pop(int(random.choice(list(held))))
            rows.give_back(place, count)
        else:
            count = int(random.integers(0, MOST + 1))
            held[number] = rows.put(of(number, count)), count
    assert rows.nbytes() == sum(4 * int(room_for(count)) for _, count in held.values())
    for number, (place, count) in held.items():
        assert np.array_equal(rows.row(place, count), of(number, count))
    for place, count in held.values():
        rows.give_back(place, count)
    assert rows.nbytes() == 0


def test_a_row_that_grows_takes_its_values_along() -> None:
    rows = GrowingRows()
    place = rows.put(of(1, UNIT))
    rows.reserve(1)
    place = int(larger_row(rows.memory, place, UNIT))
    assert np.array_equal(rows.row(place, UNIT), of(1, UNIT))
    assert rows.nbytes() == 2 * UNIT * 4


def test_what_many_small_rows_leave_serves_large_ones() -> None:
    rows = GrowingRows()
    rows.reserve(64)
    units = len(rows.memory.kinds)
    small = [rows.put(of(1, UNIT)) for _ in range(32 * 32)]
    for place in small:
        rows.give_back(place, UNIT)
    large = {rows.put(of(2, MOST)) for _ in range(32)}
    assert len(large) == 32
    assert len(rows.memory.kinds) == units, "nothing new was taken"


def test_what_was_reserved_is_there_however_the_rows_are_mixed() -> None:
    rows = GrowingRows()
    rows.reserve(500, 100)
    taken = {int(take_row(rows.memory, 128)) for _ in range(500)}
    assert len(taken) == 500
    assert max(taken) + 128 // UNIT <= len(rows.memory.kinds)


def test_a_row_of_nothing_is_nowhere() -> None:
    rows = GrowingRows()
    assert rows.put(np.zeros(0, np.float32)) == NO_ROW
    give_row_back(rows.memory, NO_ROW, 0)
    assert rows.nbytes() == 0
    assert len(rows.row(NO_ROW, 0)) == 0


def test_rows_given_back_together_are_free_as_those_given_back_one_by_one() -> None:
    counts = np.array([5, 0, 512, 33, 1, 64, 64, 7])
    together, one_by_one = GrowingRows(), GrowingRows()
    places = np.array([together.put(of(number, count)) for number, count in enumerate(counts)])
    assert places.tolist() == [one_by_one.put(of(number, count)) for number, count in enumerate(counts)]
    together.give_all_back(places[1:], counts[1:])
    for place, count in zip(places[1:].tolist(), counts[1:].tolist(), strict=True):
        one_by_one.give_back(place, count)
    assert together.nbytes() == one_by_one.nbytes() == int(room_for(5)) * 4
    assert [together.put(of(9, count)) for count in counts] == [one_by_one.put(of(9, count)) for count in counts]
    assert together.row(int(places[0]), 5).tolist() == of(0, 5).tolist()
