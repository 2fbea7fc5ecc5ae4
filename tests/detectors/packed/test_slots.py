"""Records begin afresh whenever their slot is opened, and keep what they hold while others are."""

import numpy as np
import pytest

from tracehound.detectors.packed.slots import SlotRecords

_LAYOUT = {"count": (np.int64, ()), "newest": (np.float32, (3,))}


def test_what_was_used_begins_afresh_and_its_neighbours_stay() -> None:
    store = SlotRecords(_LAYOUT, {"newest": np.nan}, capacity=2)
    for slot in range(3):
        store.open(slot)
        store["count"][slot], store["newest"][slot] = slot + 1, 7.0
    store.open(1)
    assert store["count"][:3].tolist() == [1, 0, 3]
    assert store["newest"][0].tolist() == store["newest"][2].tolist() == [7.0] * 3
    assert np.isnan(store["newest"][1]).all()


def test_growing_keeps_all_that_was_opened() -> None:
    store = SlotRecords(_LAYOUT, capacity=2)
    store.open(0)
    store.open(1)
    store["count"][:2] = 5
    store.open(40)
    assert store["count"][:2].tolist() == [5, 5]
    assert not store["count"][2:].any()
    assert store.used(40)
    assert not store.used(41)


def test_what_begins_with_zeros_is_zero_again() -> None:
    store = SlotRecords(_LAYOUT)
    store.open(3)
    store["count"][3], store["newest"][3] = 9, 1.0
    store.open(3)
    assert not store["count"][3]
    assert not store["newest"][3].any()


@pytest.mark.parametrize("fresh", [{}, {"newest": np.nan}], ids=["zeros", "others"])
@pytest.mark.parametrize("slots", [[], [1], [4, 1], [2, 40, 0]], ids=str)
def test_slots_opened_together_are_as_those_opened_one_by_one(fresh: dict[str, float], slots: list[int]) -> None:
    together, one_by_one = (SlotRecords(_LAYOUT, fresh, capacity=2) for _ in range(2))
    for store in (together, one_by_one):
        for slot in range(3):
            store.open(slot)
        store["count"][:3], store["newest"][:3] = 7, 7.0
    together.open_all(np.array(slots, np.int64))
    for slot in slots:
        one_by_one.open(slot)
    assert len(together) == len(one_by_one)
    for name in _LAYOUT:
        assert np.array_equal(together[name][:41], one_by_one[name][:41], equal_nan=True)
