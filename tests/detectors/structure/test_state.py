"""Lists of what operations know: none runs into that of another."""

from tracehound.detectors.structure.state import StructureState, find, insert


def test_places_that_were_passed_over_hold_nothing_of_others() -> None:
    state = StructureState()
    state.open(0)
    known = [insert(state.memory, 0, key, False) for key in (11, 12)]
    for slot in (3, 1, 2):
        state.open(slot)
        assert state.numbers(slot) == []
    assert state.numbers(0) == known[::-1]
    assert [find(state.memory, 0, key) for key in (11, 12)] == known
