"""The state of one application as records, and what is refused of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.model_state import Head, ModelState, RecordKey, owner_of, pack_state, read_key, unpack_state
from tracehound.schemas.pieces import Whole, Wholes

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(0, 2**63 - 1)
heads = st.builds(
    Head,
    numbers,
    st.lists(st.tuples(texts, numbers, numbers), max_size=3),
    st.floats(0, 9e10),
    st.floats(0, 9e10),
)
states = st.builds(ModelState, texts, texts, heads, st.binary(max_size=300))


def whole_of(state: ModelState, piece_bytes: int = 4_000_000) -> Whole:
    wholes = Wholes()
    (whole,) = [whole for value in pack_state(state, piece_bytes) for whole in wholes.add(value)]
    return whole


@given(states, st.integers(1, 100))
def test_a_state_comes_back(state: ModelState, piece_bytes: int) -> None:
    assert unpack_state(whole_of(state, piece_bytes)) == state


@given(texts, texts, st.integers(0, 2**31), st.integers(0, 1), st.integers(0, 9))
def test_a_key_comes_back(application: str, environment: str, generation: int, turn: int, index: int) -> None:
    key = RecordKey(application, environment, generation, turn, index)
    assert read_key(key.encoded()) == key


@given(st.one_of(st.none(), st.binary(max_size=60)))
def test_other_keys_are_none_of_ours(key: bytes | None) -> None:
    assert read_key(key) is None


def test_the_state_of_another_application_or_position_is_refused() -> None:
    state = ModelState("shop", "", Head(7), b"models")
    content = whole_of(state).content
    for owner, position in ((owner_of(("till", "")), 7), (owner_of(("shop", "test")), 7), (owner_of(state.key), 8)):
        with pytest.raises(SnapshotError, match="must be of the application and position"):
            unpack_state(Whole(owner, position, content))


@given(st.binary(max_size=100))
def test_random_content_is_refused(content: bytes) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        unpack_state(Whole(owner_of(("shop", "")), 7, content))


@given(states, st.data())
def test_truncated_content_is_refused(state: ModelState, data: st.DataObject) -> None:
    whole = whole_of(state)
    cut = data.draw(st.integers(0, len(whole.content) - 1))
    with pytest.raises(SnapshotError):
        unpack_state(Whole(whole.owner, whole.position, whole.content[:cut]))
