"""Content in pieces: put together whole or not at all, whatever the bytes."""

import pickle
import random
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.pieces import VERSION, Piece, Wholes, latest, split

encode = msgspec.msgpack.encode


@given(st.binary(max_size=200), st.integers(1, 50), st.randoms(use_true_random=False))
def test_content_comes_back_from_pieces_in_any_order(content: bytes, piece_bytes: int, draw: random.Random) -> None:
    pieces = split("shop", 7, content, piece_bytes)
    draw.shuffle(pieces)
    wholes = Wholes()
    found = [whole for piece in pieces for whole in wholes.add(piece)]
    assert [(whole.owner, whole.position, whole.content) for whole in found] == [("shop", 7, content)]
    assert (wholes.problems, wholes.waiting_since) == ([], None)


@given(st.binary(min_size=20, max_size=60), st.integers(0, 2))
def test_nothing_is_taken_while_a_piece_is_missing(content: bytes, missing: int) -> None:
    pieces = split("shop", 7, content, 10)
    del pieces[missing % len(pieces)]
    wholes = Wholes()
    assert [whole for piece in [*pieces, *pieces] for whole in wholes.add(piece)] == []


def test_pieces_of_two_writers_are_not_mixed() -> None:
    mine, theirs = split("shop", 7, b"a" * 20, 10), split("shop", 7, b"b" * 20, 10)
    assert latest([mine[0], theirs[1]]) == ([], [])
    found, _ = latest([mine[0], theirs[1], theirs[0], mine[1]])
    assert [whole.content for whole in found] == [b"b" * 20]  # what was as new waits no longer


def test_the_highest_position_is_first() -> None:
    values = [one for position in (3, 9, 5) for one in split("shop", position, b"%d" % position)]
    assert [whole.position for whole in latest(values)[0]] == [9, 5, 3]


def test_where_reading_must_begin_again_is_known_until_something_newer_is_whole() -> None:
    wholes = Wholes()
    old, new = split("shop", 7, b"a" * 20, 10), split("shop", 8, b"new")
    wholes.add(old[0], 40)
    wholes.add(split("till", 7, b"a" * 20, 10)[0], 30)
    wholes.add(split("till", 9, b"b" * 20, 10)[0], 41)
    assert wholes.waiting_since == 30
    wholes.add(split("till", 9, b"b" * 20, 10)[1], 42)
    assert wholes.waiting_since == 40
    wholes.add(new[0], 43)
    assert wholes.waiting_since is None


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_with_a_sentence(value: bytes) -> None:
    wholes = Wholes()
    assert wholes.add(value) == []
    assert len(wholes.problems) == 1


@given(st.data())
def test_a_damaged_piece_is_never_taken_for_another_content(data: st.DataObject) -> None:
    value = bytearray(split("shop", 7, b"what was learned")[0])
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    assert [whole.content for whole in Wholes().add(bytes(value))] in ([], [b"what was learned"])


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "touched",)

    wholes = Wholes()
    hostile = pickle.dumps(Trap())
    assert wholes.add(hostile) == []
    assert wholes.add(split("shop", 1, hostile)[0])[0].content == hostile
    assert list(tmp_path.iterdir()) == []


def test_hostile_numbers_are_refused() -> None:
    digest = b"d" * 16
    hostile = [
        Piece(VERSION + 1, "shop", 1, 0, 1, digest, b""),
        Piece(VERSION, "shop", -1, 0, 1, digest, b""),
        Piece(VERSION, "shop", 2**63, 0, 1, digest, b""),
        Piece(VERSION, "shop", 1, 5, 2, digest, b""),
        Piece(VERSION, "shop", 1, 0, 0, digest, b""),
        Piece(VERSION, "shop", 1, 0, 2**40, digest, b""),
        Piece(VERSION, "shop", 1, 0, 1, digest, b"other"),
    ]
    wholes = Wholes()
    assert [whole for piece in hostile for whole in wholes.add(encode(piece))] == []
    assert len(wholes.problems) == len(hostile)
    assert wholes.waiting_since is None


def test_deep_nesting_is_refused() -> None:
    wholes = Wholes()
    assert wholes.add(b"\x91" * 100_000) == []
    assert len(wholes.problems) == 1
