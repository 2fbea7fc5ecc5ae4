"""Numbers of segment names: the same for the same name and peer, and what follows from them."""

from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.columns import segment_names
from tracehound.detectors.columns.segment_names import NOBODY, SegmentNames, hash_of

NAMES = st.lists(st.tuples(st.text(max_size=2), st.none() | st.text(max_size=2)), max_size=200)


@given(NAMES)
def test_what_follows_from_a_name_is_found_by_its_number(given_names: list[tuple[str, str | None]]) -> None:
    names = SegmentNames()
    numbers = [names[peer][name] for name, peer in given_names]
    assert len(set(numbers)) == len(set(given_names))
    for (name, peer), number in zip(given_names, numbers, strict=True):
        assert names[peer][name] == number
        assert int(names.path[number]) == hash_of(name, peer or "")
        assert names.peers[names.joined_peer[number]] == (peer or name)
        waited = int(names.waited_peer[number])
        assert waited == NOBODY if peer is None else names.peers[waited] == peer


def test_a_full_table_is_replaced_and_the_old_one_still_answers() -> None:
    before = segment_names.segment_names()
    number = before["db"]["SELECT"]
    for name in range(segment_names.NUMBERED_NAMES):
        before[None][str(name)]
    assert before.full
    after = segment_names.segment_names()
    assert after is not before
    assert before["db"]["SELECT"] == number
    assert not after.full
