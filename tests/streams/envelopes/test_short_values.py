"""What is too short for an execution is never one, and of a flood of it a part is explained."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.codec import SHORTEST_EXECUTION, decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import SCHEMA_HEADER, ExecutionReader
from tracehound.streams.envelopes.short_values import ShortValues

SHORTEST = b'{"application":"a","operation":"a","started_at":0,"duration_ms":0}'
EXPLAINED = 16


def _spent(reader: ExecutionReader) -> ExecutionReader:
    """A reader that has explained all that it explains at once."""
    assert [reader.refused_at_once(b"{}", ()) for _ in range(EXPLAINED)] == [None] * EXPLAINED
    return reader


def test_the_shortest_execution_is_read_however_it_is_packed() -> None:
    reader = _spent(ExecutionReader(Limits()))
    assert len(SHORTEST) == SHORTEST_EXECUTION
    for value in (SHORTEST, gzip.compress(SHORTEST, 9, mtime=0), b"\xef\xbb\xbf" + SHORTEST):
        assert reader.refused_at_once(value, ()) is None
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
    refused = reader.refused_at_once(value, ()) is not None or bool(reader.decode(value, (), 2e9).rejected)
    assert refused is bool(decode_record(value, Limits(), 2e9).rejected)


def test_of_a_flood_the_first_are_explained_and_then_a_part() -> None:
    reader = ExecutionReader(Limits())
    found = [reader.refused_at_once(b"12345", ()) for _ in range(1_000)]
    assert found[:EXPLAINED] == [None] * EXPLAINED
    others = [one for one in found[EXPLAINED:] if one is not None]
    assert 0 < 1_000 - EXPLAINED - len(others) < 10
    assert {(one.value_bytes, one.error, one.indexes) for one in others} == {(b"12345", "MissingField", ())}
    assert others[0].reason.endswith("Got less than 66 bytes.")
    reader.earn(10_000)
    assert [reader.refused_at_once(b"12345", ()) is None for _ in range(11)] == [True] * 10 + [False]


def test_a_record_without_a_value_is_told_as_ever() -> None:
    [told] = decode_record(None, Limits(), 2e9).rejected
    assert ExecutionReader(Limits()).refused_at_once(None, ()) == told


def test_short_values_are_taken_apart_where_settings_say_what_they_may_hold() -> None:
    by_names = ExecutionReader(Limits(), mapping=FieldMapping('application="a", operation=o, started_at=t'))
    assert {by_names.refused_at_once(b"{}", ()) for _ in range(100)} == {None}
    framed = ShortValues(framed=True)
    assert not framed.holds_none(b"\0\0\0\0\7\2a")
    plain = _spent(ExecutionReader(Limits()))
    assert plain.refused_at_once(b"\2a", [(SCHEMA_HEADER, b"\0\0\0\0\7")]) is None
    assert plain.refused_at_once(b"\2a", [("other", b"\0\0\0\0\7")]) is not None
