"""Segments read from their JSON, next to what the decoder of objects makes of the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.columns.same_columns import assert_same_columns
from tracehound.detectors.columns import numbered_texts, segment_names
from tracehound.detectors.columns.columned_executions import ColumnedExecutions, columned
from tracehound.detectors.columns.read_segments import read_segments
from tracehound.detectors.columns.segment_columns import columns_of
from tracehound.schemas.execution import Execution, Segment, UnreadExecution, whole

MOST = 6
KINDS = st.sampled_from(["db", "http", "rpc", "cache", "queue", "view", "code"])
NUMBERS = st.one_of(st.just(0.0), st.floats(1e-6, 1e9), st.floats(0, 1e3).map(lambda ms: round(ms, 3)))
NAMES = st.one_of(
    st.sampled_from(["SELECT", 'SELECT "a"', "GET /users/7", "Ünïcode", "tab\t", "\\", "x" * 1_000]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
)
SEGMENTS = st.lists(
    st.builds(
        Segment,
        name=NAMES,
        duration_ms=NUMBERS,
        kind=KINDS,
        offset_ms=st.one_of(st.none(), NUMBERS, NUMBERS.map(lambda ms: -ms)),
        status=st.sampled_from(["ok", "error", "unset"]),
        peer=st.one_of(st.none(), st.sampled_from(["db", "", "stock service", "ß" * 20]), NAMES),
        span_id=st.one_of(st.none(), st.sampled_from(["00f067aa0ba902b7", ""])),
        remote_ms=st.one_of(st.none(), NUMBERS),
    ),
    max_size=MOST,
)


def unread(segments: bytes, duration_ms: float = 9.0) -> UnreadExecution:
    return UnreadExecution("shop", "GET /", 0.0, duration_ms, segments=msgspec.Raw(segments))


def with_parents(segments: list[Segment], parents: list[int]) -> list[Segment]:
    for index, (segment, parent) in enumerate(zip(segments, parents, strict=False)):
        segment.parent = parent if parent < index else None
    return segments


@given(st.lists(SEGMENTS, max_size=5), st.lists(st.integers(0, 5), max_size=MOST), st.booleans())
def test_what_was_encoded_is_read_as_the_objects_are(
    given_segments: list[list[Segment]], parents: list[int], escaped: bool
) -> None:
    executions = [
        Execution("shop", "GET /", 0.0, float(row), segments=with_parents(segments, parents))
        for row, segments in enumerate(given_segments)
    ]
    texts = [msgspec.json.encode(one.segments) for one in executions]
    if escaped:
        texts = [json.dumps(json.loads(text)).encode() for text in texts]

    read = read_segments([unread(text, float(row)) for row, text in enumerate(texts)], MOST)

    assert read is not None
    assert_same_columns(read, columns_of(executions))


FIELDS: dict[str, list[Any]] = {
    "name": ["SELECT", "", "x" * 1_001, 5, None],
    "duration_ms": [2, 2.5, -1, "2", None, True, 1e300],
    "kind": ["db", "code", "sql", "", None, 1],
    "offset_ms": [None, -3.25, 7, "7", 1e22],
    "parent": [None, 0, -1, 0.0, 1.5, "0", 7],
    "status": ["ok", "errors", None],
    "peer": [None, "", "db", 3],
    "span_id": [None, "a", 'a"b', 3],
    "remote_ms": [None, 0, -2, 1.5],
    "unknown": [1, "x", [], {}],
}


@given(st.data())
def test_nothing_is_read_that_the_decoder_refuses_and_nothing_otherwise(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=6))
    segment = {name: data.draw(st.sampled_from(FIELDS[name])) for name in ["name", "duration_ms", *names]}
    text = json.dumps([{"name": "first", "duration_ms": 1}, segment], separators=data.draw(SEPARATORS)).encode()
    assert_as_objects(text)


SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "  :")])


@given(st.data())
def test_text_that_was_damaged_is_read_as_the_decoder_does_or_not_at_all(data: st.DataObject) -> None:
    segments = [Segment("SELECT 1", 2.5, "db", 1.0, None, "ok", "orders-db", "ab", None), Segment('"', 1e-5, parent=0)]
    text = bytearray(msgspec.json.encode(segments))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        match data.draw(st.sampled_from(["replace", "delete", "insert"])):
            case "replace":
                text[at] = data.draw(BYTES)
            case "delete":
                del text[at]
            case _:
                text.insert(at, data.draw(BYTES))
    assert_as_objects(bytes(text))


BYTES = st.one_of(st.sampled_from(b'[]{}",:\\ \n\t0123456789.eE+-nul'), st.integers(0, 127))


def assert_as_objects(text: bytes) -> None:
    """Two executions with these segments are read as columns only if they are valid, and then as their objects are."""
    executions = [unread(text), unread(b"[]"), unread(text)]
    try:
        msgspec.json.decode(text, type=msgspec.Raw)  # as raw JSON it has brackets in their places
    except msgspec.DecodeError:
        return
    read = read_segments(executions, MOST)
    if read is None:
        return
    objects = [whole(one) for one in executions]  # raises where they are not valid
    assert all(segment.parent is None or segment.parent < 2 for one in objects for segment in one.segments)
    assert_same_columns(read, columns_of(objects))


@pytest.mark.parametrize(
    "segments",
    [
        b'[{"name":"a","duration_ms":1}]',
        b'[ {"duration_ms" : 1.5 , "name":"a\\u00e9\\n\\"" } ]',
        '[{"name":"é","duration_ms":0,"peer":null,"parent":null},{"name":"b","duration_ms":1e-7,"parent":0}]'.encode(),
        b'[{"name":"a","duration_ms":11.843354582748876,"remote_ms":123456789012345678e-17,"offset_ms":-0.5}]',
    ],
)
def test_these_are_read_without_objects(segments: bytes) -> None:
    read = read_segments([unread(segments)] * 2, MOST)
    assert read is not None
    assert_same_columns(read, columns_of([whole(unread(segments))] * 2))


@pytest.mark.parametrize(
    "segments",
    [
        b"null",
        b"{}",
        b"7",
        b'[{"name":"a","duration_ms":1}',
        b'[{"name":"a","duration_ms":1},]',
        b'[{"name":"a","duration_ms":1}]]',
        b'[{"name":"a"}]',
        b'[{"duration_ms":1}]',
        b'[{"name":"a","duration_ms":01}]',
        b'[{"name":"a","duration_ms":1.}]',
        b'[{"name":"a","duration_ms":-1}]',
        b'[{"name":"a\\x","duration_ms":1}]',
        b'[{"name":"a\x01","duration_ms":1}]',
        b'[{"name":"a","duration_ms":1,"kind":"dbx"}]',
        b'[{"name":"a","duration_ms":1,"parent":0}]',
        b'[{"name":"a","duration_ms":1,"span_id":nul}]',
        b'[{"name":"a","duration_ms":1,"span_id":n',
        b'[{"name":"',
        b'[{"name":"a\\',
        b"[{",
        b"[",
        b"",
    ],
)
def test_what_breaks_a_rule_is_left_to_the_decoder(segments: bytes) -> None:
    assert read_segments([unread(segments)], MOST) is None
    assert read_segments([unread(b"[]"), unread(segments), unread(b"[]")], MOST) is None


def test_an_execution_of_too_many_segments_is_left_to_the_decoder() -> None:
    many = b"[" + b",".join([b'{"name":"a","duration_ms":1}'] * (MOST + 1)) + b"]"
    assert read_segments([unread(many)], MOST) is None
    assert read_segments([unread(many)], MOST + 1) is not None


def test_many_names_of_all_lengths_keep_their_numbers() -> None:
    names = [("x" * (number % 40) + str(number), "y" * (number % 17)) for number in range(3_000)]
    executions = [Execution("shop", "GET /", 0.0, 1.0, segments=[Segment(n, 1.0, peer=p or None)]) for n, p in names]
    texts = [unread(msgspec.json.encode(one.segments)) for one in executions]
    for _ in range(2):
        read = read_segments(texts, MOST)
        assert read is not None
        assert read.name.tolist() == columns_of(executions).name.tolist()


def test_names_that_are_too_long_to_be_kept_are_read_each_time() -> None:
    one = Execution("shop", "GET /", 0.0, 1.0, segments=[Segment("SELECT", 1.0, peer="😀" * 1_000)] * 2)
    for _ in range(2):
        read = read_segments([unread(msgspec.json.encode(one.segments), 1.0)], MOST)
        assert read is not None
        assert_same_columns(read, columns_of([one]))


def test_parts_with_names_of_different_tables_are_numbered_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_names, "NUMBERED_NAMES", 1)
    segments = [Segment("before", 1.0), Segment("after", 2.0, peer="db")]
    parts = [columned([Execution("shop", "GET /", 0.0, 9.0, segments=[one])]) for one in segments]
    assert parts[0].columns.names is not parts[1].columns.names

    columns = ColumnedExecutions.joined(parts).columns

    names = [columns.names[None]["before"], columns.names["db"]["after"]]
    assert columns.name.tolist() == names
    assert columns.duration_ms.tolist() == [1.0, 2.0]


def test_a_table_that_is_full_of_texts_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    segments = b'[{"name":"now","duration_ms":1}]'
    before = read_segments([unread(segments)], MOST)
    monkeypatch.setattr(numbered_texts, "MOST_TEXTS", 0)
    after = read_segments([unread(segments)], MOST)
    monkeypatch.undo()
    again = read_segments([unread(segments)], MOST)
    assert before is not None
    assert after is not None
    assert again is not None
    assert after.names is not before.names
    assert again.names is after.names
    assert again.name.tolist() == after.name.tolist() == columns_of([whole(unread(segments))]).name.tolist()
