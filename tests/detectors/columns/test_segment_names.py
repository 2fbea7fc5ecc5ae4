"""Numbers of segment names: the same for the same name and peer, and what follows from them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.columns import segment_names
from tracehound.detectors.columns.byte_words import PADDING, hash_of_bytes
from tracehound.detectors.columns.segment_names import NOBODY, SegmentNames, hash_of
from tracehound.detectors.packed.secret import SECRET_FACTOR, SECRET_SEED

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


def test_long_names_fill_a_table_before_it_takes_much_memory() -> None:
    before = segment_names.segment_names()
    peer = "\U0001f600" * 1_000
    while segment_names.segment_names() is before:
        for _ in range(1_000):
            before[peer][f"{len(before[peer])}".ljust(1_000)]
    assert len(before[peer]) < segment_names.NUMBERED_NAMES / 2


def test_names_that_are_chosen_to_meet_in_one_place_do_so_in_no_other_process() -> None:
    def place(name: str, seed: int, factor: int) -> int:
        text = np.frombuffer(name.encode() + PADDING, np.uint8)
        return int(hash_of_bytes(np.uint64(seed), np.uint64(factor), text, 0, len(name))) & 0xFF

    chosen = [name for name in map(str, range(20_000)) if place(name, 5, 0x9E3779B97F4A7C15) == 0]
    assert len(chosen) > 40
    assert len({place(name, SECRET_SEED, SECRET_FACTOR) for name in chosen}) > len(chosen) / 2
