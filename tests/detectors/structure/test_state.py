"""Lists of what operations know: none runs into that of another."""

import numpy as np

from tracehound.detectors.structure.state import NOTHING, StructureState, find, insert


def test_places_that_were_passed_over_hold_nothing_of_others() -> None:
    state = StructureState()
    state.open(0)
    known = [insert(state.memory, 0, key, False) for key in (11, 12)]
    for slot in (3, 1, 2):
        state.open(slot)
        assert state.numbers(slot) == []
    assert state.numbers(0) == known[::-1]
    assert [find(state.memory, 0, key) for key in (11, 12)] == known


def test_places_opened_together_have_dropped_what_they_held_and_no_other() -> None:
    state = StructureState()
    for slot in (0, 1, 2):
        state.open(slot)
        for key in (7, 8):
            insert(state.memory, slot, key, False)
    state.open_all(np.array([2, 5, 0]))
    assert [len(state.numbers(slot)) for slot in range(6)] == [0, 2, 0, 0, 0, 0]
    assert find(state.memory, 0, 7) == find(state.memory, 2, 8) == NOTHING
    assert find(state.memory, 1, 7) != NOTHING
