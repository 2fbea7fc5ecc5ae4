"""Bytes of states: those of the version before are read, and none can take more memory than it says."""

import tracemalloc
import zlib
from hashlib import blake2b

import cramjam
import msgspec
import numpy as np
import pytest

from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.schemas.errors import SnapshotError

PLAIN = msgspec.msgpack.encode({"count": 3})


def _signed(version: int, body: bytes) -> bytes:
    return b"THS" + bytes([version]) + blake2b(body, digest_size=16).digest() + body


def _compressed(length: int, plain: bytes = PLAIN) -> bytes:
    return length.to_bytes(4, "little") + bytes(cramjam.zstd.compress(plain))


def test_a_state_of_numbers_names_and_arrays_comes_back() -> None:
    state = {"names": ["a", "b"], "nested": {"one": 1.5}, "array": np.arange(6, dtype=np.int16).reshape(2, 3)}
    back = unpack(pack(state))
    assert back.keys() == state.keys()
    assert (back["names"], back["nested"]) == (state["names"], state["nested"])
    assert back["array"].dtype == np.int16
    assert back["array"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_snapshot_of_the_version_before_is_read() -> None:
    array = {"dtype": "float64", "shape": (2,), "data": np.array([1.5, 2.5]).tobytes()}
    body = zlib.compress(msgspec.msgpack.encode({"count": 3, "reference": array}), level=1)
    assert (found := unpack(_signed(2, body)))["count"] == 3
    assert found["reference"].tolist() == [1.5, 2.5]


@pytest.mark.parametrize("letters", [0, 60_000, 70_000, 5_000_000])
def test_what_compresses_far_better_than_usual_comes_back(letters: int) -> None:
    state = {"name": "x" * letters}
    assert unpack(pack(state)) == state
    assert len(pack(state)) < 1_000 + letters / 150


@pytest.mark.parametrize("version", [0, 1, 4, 255])
def test_other_versions_are_refused_by_name(version: int) -> None:
    with pytest.raises(SnapshotError, match=f"has version {version}; this tracehound reads the versions 2 and 3"):
        unpack(_signed(version, _compressed(len(PLAIN))))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "cannot be read"),
        (b"\x01\x00", "cannot be read"),
        (_compressed(len(PLAIN))[:-3], "cannot be read"),
        (_compressed(len(PLAIN) - 1), "cannot be read"),
        (_compressed(len(PLAIN) + 1), "cannot be read"),
        (_compressed(3, bytes(100_000_000)), "cannot be read"),
        (_compressed(2**32 - 1), "must become at most 69736 bytes"),
        (_compressed(1, b"\x07"), "holds no state"),
    ],
)
def test_what_does_not_decompress_to_what_it_says_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(SnapshotError, match=sentence):
        unpack(_signed(3, body))


def test_what_the_version_before_decompresses_to_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracehound.detectors.packed.snapshot._LIMIT", 1_000)
    with pytest.raises(SnapshotError, match="at most 1000 bytes"):
        unpack(_signed(2, zlib.compress(bytes(2_000))))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"a": [[] for _ in range(60_000)]}, "at most 16.{3,4} values. Got 60003 instead"),
        ({"a": [{"b": {}}] * 16_000}, "at most 17.{3} values. Got 48003 instead"),
        ({"a": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}, "at most 16 deep"),
    ],
)
def test_a_state_of_more_values_than_bytes_can_mean_is_refused_before_any_is_made(
    state: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SnapshotError, match=sentence):
        unpack(pack(state))


def test_few_bytes_do_not_become_many() -> None:
    bomb = _compressed(200_000_000, bytes([0xDD, 0x0B, 0xEB, 0xC2, 0x00]) + bytes(199_999_995))
    tracemalloc.start()
    with pytest.raises(SnapshotError, match="must become at most"):
        unpack(_signed(3, bomb))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000
