"""What is too short for an execution is never one, and of a flood of it a part is explained."""

import gzip
import random
from collections.abc import Sequence

import numpy as np
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from tracehound.detectors.columns.short_values import NULL, SHORT, TO_READ
from tracehound.schemas.codec import SHORTEST_EXECUTION, decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.short_values import REFUSED, ShortValues
from tracehound.streams.kafka.columned_records import ColumnedRecords

SHORTEST = b'{"application":"a","operation":"a","started_at":0,"duration_ms":0}'
EXPLAINED = 16
_EXPLANATION, _MOST = 1_000, 16_000


def _sorted_out(
    reader: ExecutionReader | ShortValues, values: Sequence[bytes | None], asked: Sequence[bool] | None = None
) -> list[int]:
    made = [ConsumerRecord("t", 0, at, 0, 0, None, value, None, -1, -1, ()) for at, value in enumerate(values)]
    records = ColumnedRecords.of(made)
    may_be = np.ones(len(values), np.bool_) if asked is None else np.array(asked)
    found: list[int] = reader.sort_out(records.text, records.places, may_be).tolist()
    return found


def _spent(reader: ExecutionReader) -> ExecutionReader:
    """A reader that has explained all that it explains at once."""
    assert _sorted_out(reader, [b"{}"] * EXPLAINED) == [TO_READ] * EXPLAINED
    return reader


def test_the_shortest_execution_is_read_however_it_is_packed() -> None:
    reader = _spent(ExecutionReader(Limits()))
    assert len(SHORTEST) == SHORTEST_EXECUTION
    for value in (SHORTEST, gzip.compress(SHORTEST, 9, mtime=0), b"\xef\xbb\xbf" + SHORTEST):
        assert _sorted_out(reader, [value]) == [TO_READ]
        assert len(reader.decode(value, (), 2e9).executions) == 1


@given(st.one_of(st.binary(max_size=80), st.text('[]{} ,"\n0a', max_size=30).map(str.encode)))
def test_what_is_said_to_hold_nothing_is_refused_when_it_is_taken_apart(value: bytes) -> None:
    if ShortValues(framed=False).holds_none(value):
        decoded = ExecutionReader(Limits()).decode(value, (), 2e9)
        assert not decoded.executions
        assert len(decoded.rejected) == 1


@pytest.mark.parametrize("value", [b"[]", b" [ ]\n", b"[", b"[[]]"])
def test_an_empty_array_holds_nothing_and_is_not_refused_for_its_length(value: bytes) -> None:
    reader = _spent(ExecutionReader(Limits()))
    refused = _sorted_out(reader, [value]) == [SHORT] or bool(reader.decode(value, (), 2e9).rejected)
    assert refused is bool(decode_record(value, Limits(), 2e9).rejected)


def test_of_a_flood_the_first_are_explained_and_then_a_part() -> None:
    reader = ExecutionReader(Limits())
    found = _sorted_out(reader, [b"12345"] * 1_000)
    assert found[:EXPLAINED] == [TO_READ] * EXPLAINED
    assert 0 < found[EXPLAINED:].count(TO_READ) < 10
    assert set(found) == {TO_READ, SHORT}
    assert (REFUSED[SHORT].error, REFUSED[SHORT].indexes) == ("MissingField", ())
    assert REFUSED[SHORT].reason.endswith("Got less than 66 bytes.")
    reader.earn(10_000)
    assert _sorted_out(reader, [b"12345"] * 11) == [TO_READ] * 10 + [SHORT]


def test_a_record_without_a_value_is_told_as_ever() -> None:
    [told] = decode_record(None, Limits(), 2e9).rejected
    assert _sorted_out(ExecutionReader(Limits()), [None]) == [NULL]
    assert REFUSED[NULL] == told


def test_short_values_are_taken_apart_where_settings_say_what_they_may_hold() -> None:
    by_names = ExecutionReader(Limits(), mapping=FieldMapping('application="a", operation=o, started_at=t'))
    assert set(_sorted_out(by_names, [b"{}"] * 100)) == {TO_READ}
    framed = ShortValues(framed=True)
    assert not framed.holds_none(b"\0\0\0\0\7\2a")
    assert _sorted_out(_spent(ExecutionReader(Limits())), [b"\2a"] * 2, [False, True]) == [TO_READ, SHORT]


def _one_by_one(values: Sequence[bytes | None], framed: bool, asked: Sequence[bool], earned: int) -> list[int]:
    """What is to become of values, ``earned`` bytes having been read after half of them."""
    short, saved = ShortValues(framed), _MOST
    found: list[int] = []
    for place, value in enumerate(values):
        if place == len(values) // 2:
            saved = min(_MOST, saved + earned)
        if not asked[place]:
            found.append(TO_READ)
        elif value is None:
            found.append(NULL)
        elif not short.holds_none(value):
            found.append(TO_READ)
        elif saved >= _EXPLANATION:
            saved -= _EXPLANATION
            found.append(TO_READ)
        else:
            saved += len(value)
            found.append(SHORT)
    return found


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_many_are_sorted_out_as_one_after_the_other(seed: int, framed: bool) -> None:
    chance = random.Random(seed)
    kinds = [None, b"", b"{}", b"[]", b" [ ] ", b"][", b"\0abc", b"\x1f\x8bx", b"\xef" * 50, b"a" * 47, b"a" * 48]
    kinds += [first + b"a" * 50 for first in (b"\x1f", b"\0", b"a", b"[")] + [b"[" * 60, b"[" * 70]
    kinds += [b"b" * length for length in range(SHORTEST_EXECUTION - 2, SHORTEST_EXECUTION + 3)]
    values = [chance.choice(kinds) for _ in range(1_000)]
    asked = [chance.random() < 0.9 for _ in values]
    short, half = ShortValues(framed), len(values) // 2
    found = _sorted_out(short, values[:half], asked[:half])
    short.earn(9_000)
    found += _sorted_out(short, values[half:], asked[half:])
    assert found == _one_by_one(values, framed, asked, 9_000)
    assert set(found) == {TO_READ, NULL, SHORT}
