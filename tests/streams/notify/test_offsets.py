"""What is committed, and what is owed after reading it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.streams.notify.offsets import OwedMessages, nothing_owed, read_commit

NAMES = ("team", "chat", "a-receiver-with-a-name-of-forty-characters")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(100, 160)), max_size=60), st.data())
def test_after_a_restart_exactly_what_is_not_done_is_owed(messages: list[tuple[str, int]], data: st.DataObject) -> None:
    owed = OwedMessages(100)
    for offset in range(100, 161):
        for receiver, at in messages:
            if at == offset:
                owed.add(receiver, offset)
        owed.read(offset)
    finished = set(data.draw(st.lists(st.sampled_from(messages)) if messages else st.just([])))
    for receiver, offset in finished:
        owed.done(receiver, offset)
        owed.done(receiver, offset)
    commit = owed.commit()
    debts = read_commit(commit.offset, commit.metadata)
    for receiver, offset in messages:
        again = offset >= commit.offset and debts.include(receiver, offset)
        assert again == ((receiver, offset) not in finished)
        assert owed.includes(receiver, offset) == again
    assert all(debts.include(name, 161) for name in NAMES)


@given(st.sets(st.integers(0, 10**9), min_size=1, max_size=3_000))
def test_what_does_not_fit_beside_the_offset_is_owed_all_the_same(offsets: set[int]) -> None:
    owed = OwedMessages(0, "X" * 22)
    for offset in sorted(offsets):
        for name in NAMES:
            owed.add(name, offset)
        owed.read(offset)
    commit = owed.commit()
    assert len(commit.metadata.encode()) <= 4_096
    debts = read_commit(commit.offset, commit.metadata)
    assert commit.offset == min(offsets)
    assert all(debts.include(name, offset) for name in NAMES for offset in offsets)


def test_nothing_owed_is_the_next_offset_alone() -> None:
    owed = OwedMessages(7)
    assert (owed.commit().offset, owed.commit().metadata) == (7, "")
    owed.read(41)
    assert owed.commit().offset == 42


def test_the_topic_s_id_is_committed_beside_what_is_owed_and_where_nothing_is() -> None:
    owed = OwedMessages(7, "X" * 22)
    assert owed.commit() == nothing_owed(7, "X" * 22)
    for _ in range(2):
        debts = read_commit(owed.commit().offset, owed.commit().metadata)
        assert debts.topic_id == "X" * 22
        owed.add("team", 7)
        owed.read(7)
    assert (debts.to, debts.owed) == (8, {"team": frozenset({7})})


@pytest.mark.parametrize(
    "metadata", ["", "somebody else's", "{}", '{"to":3,"owed":{}}', '{"to":"x"}', "[" * 5_000, "null"]
)
def test_metadata_of_others_is_passed_over(metadata: str) -> None:
    debts = read_commit(10, metadata)
    assert debts.include("team", 10)
    assert not debts.include("team", 9)
