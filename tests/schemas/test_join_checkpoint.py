import pickle
import tracemalloc
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas import join_checkpoint
from tracehound.schemas.call_graph import Call, CallGraph
from tracehound.schemas.join_checkpoint import (
    PIECE_BYTES,
    VERSION,
    CheckpointPiece,
    JoinCheckpoint,
    pack_checkpoint,
    unpack_checkpoint,
)

encode = msgspec.msgpack.Encoder().encode

WHOLE = st.integers(0, 2**62)
NUMBERS = st.integers(-(2**62), 2**62)
COUNTS = st.integers(0, 10**12)
CALLS = st.builds(
    Call, NUMBERS, st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), COUNTS, COUNTS, st.floats(0, 1e12)
)
CHECKPOINTS = st.builds(
    JoinCheckpoint,
    WHOLE,
    WHOLE,
    NUMBERS,
    st.none() | st.floats(-(2.0**62), 2.0**62),
    st.lists(st.tuples(st.text(max_size=5), WHOLE, st.none() | NUMBERS, NUMBERS, NUMBERS), max_size=3),
    st.lists(st.tuples(WHOLE, st.none() | NUMBERS), max_size=3),
    st.lists(st.integers(0, 2**64 - 1), max_size=3),
    st.binary(max_size=20),
    st.binary(max_size=20),
    st.binary(max_size=20),
    NUMBERS,
    st.lists(st.builds(CallGraph, st.just(""), st.text(max_size=5), st.text(max_size=5), st.lists(CALLS)), max_size=3),
).map(lambda one: msgspec.structs.replace(one, low=min(one.low, one.position)))


def checkpoint(position: int = 100, closed: bytes = b"", low: int = 7) -> JoinCheckpoint:
    return JoinCheckpoint(position, low, 5, 6.0, [("otlp_spans", 0, 1, 2, 3)], [], [], closed, b"", b"", 0, [])


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_checkpoint, "PIECE_BYTES", 10)


@given(CHECKPOINTS, st.integers(0, 100), st.integers(1, 40), st.randoms(use_true_random=False))
def test_a_checkpoint_comes_back_from_its_pieces_in_any_order_and_number(
    given_: JoinCheckpoint, partition: int, piece_bytes: int, random: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join_checkpoint, "PIECE_BYTES", piece_bytes)
        values = pack_checkpoint(partition, given_)
    assert len(values) == -(-len(encode(given_)) // piece_bytes)
    values += random.sample(values, random.randint(0, len(values)))
    random.shuffle(values)

    assert unpack_checkpoint(partition, values) == (given_, [])


def test_each_piece_fits_a_record_and_says_what_it_is_of() -> None:
    values = pack_checkpoint(3, checkpoint(closed=bytes(2 * PIECE_BYTES)))

    pieces = [msgspec.msgpack.decode(value, type=CheckpointPiece) for value in values]
    assert [(piece.version, piece.partition, piece.position, piece.index, piece.count) for piece in pieces] == [
        (VERSION, 3, 100, index, 3) for index in range(3)
    ]
    assert all(len(value) < 1_000_000 for value in values)


def test_nothing_is_no_checkpoint() -> None:
    assert unpack_checkpoint(0, []) == (None, [])


def test_the_highest_position_counts(small_pieces: None) -> None:
    older, newer = checkpoint(9), checkpoint(10)

    found, problems = unpack_checkpoint(0, pack_checkpoint(0, newer) + pack_checkpoint(0, older))

    assert (found, problems) == (newer, [])


def test_a_checkpoint_of_the_topic_that_is_there_counts_more_than_a_higher_position_in_one_that_was() -> None:
    old, new = (
        msgspec.structs.replace(checkpoint(position), topic_id=of) for position, of in ((72, "old"), (22, "new"))
    )
    values = pack_checkpoint(0, old) + pack_checkpoint(0, new)

    assert unpack_checkpoint(0, values, lambda topic_id: topic_id == "new") == (new, [])
    assert unpack_checkpoint(0, values, lambda topic_id: topic_id == "old") == (old, [])
    assert unpack_checkpoint(0, values, lambda _: False) == (old, [])  # of an earlier one is better than none


@pytest.mark.parametrize("missing", [0, 1, -1])
def test_of_a_checkpoint_with_pieces_missing_the_one_before_is_taken(small_pieces: None, missing: int) -> None:
    older = checkpoint(9)
    newer = pack_checkpoint(0, checkpoint(10))
    del newer[missing]

    assert unpack_checkpoint(0, pack_checkpoint(0, older) + newer) == (older, [])
    assert unpack_checkpoint(0, newer) == (None, [])


def test_pieces_of_two_checkpoints_at_one_position_are_not_mixed(small_pieces: None) -> None:
    one, other = pack_checkpoint(0, checkpoint(low=1)), pack_checkpoint(0, checkpoint(low=2))
    assert len(one) == len(other)

    assert unpack_checkpoint(0, one[:1] + other[1:]) == (None, [])
    assert unpack_checkpoint(0, one[:1] + other[1:] + one) == (checkpoint(low=1), [])


def changed(value: bytes, **fields: Any) -> bytes:
    return encode(msgspec.structs.replace(msgspec.msgpack.decode(value, type=CheckpointPiece), **fields))


def piece_of(packed: bytes, **fields: Any) -> bytes:
    """The only piece of something that is rightly digested."""
    piece = CheckpointPiece(VERSION, 0, 10, 0, 1, blake2b(packed, digest_size=16).digest(), packed)
    return encode(msgspec.structs.replace(piece, **fields))


class Evil:
    """What must never come to life."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return pytest.fail, ("A pickle was loaded.",)


SOUND = pack_checkpoint(0, checkpoint(10))[0]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "A record of 0 bytes is no piece of a checkpoint: .+"),
        (b"\xc1 random", "A record of 8 bytes is no piece of a checkpoint: .+"),
        (SOUND[:-1], "A record of .+ bytes is no piece of a checkpoint: .+"),
        (pickle.dumps(Evil()), "A record of .+ bytes is no piece of a checkpoint: .+"),
        (b"\x91" * 100_000, "A record of 100000 bytes is no piece of a checkpoint: .+"),
        (changed(SOUND, version=2), "A piece must be of version 1 and partition 0. Got version 2 and partition 0 .+"),
        (changed(SOUND, partition=1), "A piece must be of version 1 and partition 0. Got version 1 and partition 1 .+"),
        (changed(SOUND, index=1), "A piece must be one of the 1 it counts. Got number 1 instead."),
        (changed(SOUND, count=0), "A record of .+ bytes is no piece of a checkpoint: .+"),
        (changed(SOUND, count=10**9), "A record of .+ bytes is no piece of a checkpoint: .+"),
        (changed(SOUND, index=-1), "A record of .+ bytes is no piece of a checkpoint: .+"),
        (changed(SOUND, piece=b"something else"), "The checkpoint at 10 is unusable: its digest is wrong."),
        (changed(SOUND, digest=b"short"), "The checkpoint at 10 is unusable: its digest is wrong."),
        (piece_of(b"\x90"), "The checkpoint at 10 is unusable: .+"),
        (piece_of(pickle.dumps(Evil())), "The checkpoint at 10 is unusable: .+"),
        (piece_of(b"\x91" * 100_000), "The checkpoint at 10 is unusable: .+"),
        (piece_of(encode(checkpoint(-1))), "The checkpoint at 10 is unusable: .+"),
        (piece_of(encode(checkpoint(11))), "The checkpoint at 10 is unusable: .+"),
        (
            piece_of(encode(msgspec.structs.replace(checkpoint(10), now_ms=2**63))),
            "The checkpoint at 10 is unusable: .+",
        ),
        (
            piece_of(encode(msgspec.structs.replace(checkpoint(10), watermark_ms=1e19))),
            "The checkpoint at 10 is unusable: .+",
        ),
        (piece_of(encode(checkpoint(10, low=11))), "The checkpoint at 10 is unusable: .+"),
    ],
    ids=lambda value: "record" if isinstance(value, bytes) else None,
)
def test_what_is_unusable_is_refused_with_a_sentence_and_the_one_before_taken(value: bytes, sentence: str) -> None:
    older = checkpoint(9)

    found, problems = unpack_checkpoint(0, [value, *pack_checkpoint(0, older)])

    assert found == older
    assert [bool(problem) for problem in problems] == [True]
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        raise ValueError(problems[0])


@pytest.mark.parametrize(
    "header",
    [b"\xdd\xff\xff\xff\xff", b"\xdc\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"],
    ids=bytes.hex,
)
@pytest.mark.parametrize("place", range(12))
def test_huge_counts_are_refused_before_there_is_memory_for_them(header: bytes, place: int) -> None:
    fields = [encode(field) for field in msgspec.structs.astuple(checkpoint(10))]
    packed = b"\x9c" + b"".join(fields[:place]) + header
    values = [piece_of(packed), header, b"\x97" + b"".join([b"\x01"] * min(place, 6)) + header]

    tracemalloc.start()
    try:
        found, problems = unpack_checkpoint(0, values)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found is None
    assert len(problems) == 3
    assert most < 2_000_000


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_random_bytes_are_refused_one_by_one(values: list[bytes]) -> None:
    found, problems = unpack_checkpoint(0, [*values, *pack_checkpoint(0, checkpoint())])

    assert found == checkpoint()
    assert len(problems) == len(values)


@given(st.data())
def test_a_checkpoint_with_a_byte_changed_is_never_taken(data: st.DataObject) -> None:
    value = bytearray(SOUND)
    place = data.draw(st.integers(0, len(value) - 1))
    value[place] ^= data.draw(st.integers(1, 255))

    found, _ = unpack_checkpoint(0, [bytes(value)])

    assert found is None
