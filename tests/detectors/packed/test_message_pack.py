"""How much a message holds is told as reading it would tell, whatever its bytes."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.packed.message_pack import DEEPEST, MALFORMED, TOO_DEEP, elements_of

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
)
MESSAGES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=40), inner))


def told(message: bytes) -> int:
    return int(elements_of(np.frombuffer(message, np.uint8)))


def counted(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + counted(part) for part in value.values())
    return 1 + sum(map(counted, value)) if isinstance(value, list) else 1


def depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth, parts), default=0)


@given(MESSAGES)
def test_what_a_message_holds_is_counted(value: Any) -> None:
    assert told(msgspec.msgpack.encode(value)) == (counted(value) if depth(value) <= DEEPEST else TOO_DEEP)


@pytest.mark.parametrize(
    "value", [list(range(70_000)), dict.fromkeys(map(str, range(70_000)), 1), ["s" * 70_000, b"b" * 70_000]]
)
def test_long_ones_are_counted_too(value: Any) -> None:
    assert told(msgspec.msgpack.encode(value)) == counted(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_counted_as_they_are_read(message: bytes) -> None:
    found = told(message)
    try:
        value = msgspec.msgpack.decode(message, ext_hook=lambda code, data: bytes(data))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    except TypeError:  # a key that no dict can have
        return
    assert found > 0 or depth(value) > DEEPEST


@given(MESSAGES, st.data())
def test_a_part_of_a_message_is_malformed(value: Any, data: st.DataObject) -> None:
    message = msgspec.msgpack.encode(value)
    cut = data.draw(st.integers(0, len(message) - 1))
    assert told(message[:cut]) in (MALFORMED, TOO_DEEP)


@pytest.mark.parametrize(
    "message", [b"", b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff\x01"]
)
def test_a_size_that_is_not_there_costs_nothing(message: bytes) -> None:
    assert told(message) == MALFORMED
