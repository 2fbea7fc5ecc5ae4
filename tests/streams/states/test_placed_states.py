"""States with the offset below which everything is in them."""

from tracehound.streams.states.placed_states import PlacedState, PlacedStates


def test_a_state_of_the_topic_that_is_there_counts_more_than_a_higher_position_in_one_that_was() -> None:
    states = PlacedStates("incidents")
    old, new = PlacedState(72, b"old", "old-id"), PlacedState(22, b"new", "new-id")
    values = states.pack(0, old) + states.pack(0, new)

    assert states.unpack(0, values, lambda topic_id: topic_id == "new-id") == (new, [])
    assert states.unpack(0, values, lambda topic_id: topic_id == "old-id") == (old, [])
    assert states.unpack(0, values, lambda _: False) == (old, [])  # of an earlier one is better than none
