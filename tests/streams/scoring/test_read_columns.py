"""Records read into columns, next to what the decoder of objects makes of the same."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.columns.same_columns import assert_same
from tracehound.detectors.columns import heads, numbered_texts
from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.columns.heads import HeadNames
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.execution import Execution, ExecutionFailure, QueueWait, Segment
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.scoring.read_columns import ColumnReader, ReadRecords

NOW_S = 1_790_000_000.0
LIMITS = Limits(max_event_bytes=4_000, max_record_bytes=9_000, max_segments=4)
TEXTS = st.one_of(
    st.sampled_from(["", "a", 'quo"te', "back\\slash", "Ünïcode", "line\nbreak", "x" * 201, "x" * 1_001, "\x7f"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
NAMES = TEXTS.filter(lambda text: 0 < len(text) <= 200)
NUMBERS = st.one_of(st.just(0.0), st.floats(0, 1e9), st.integers(0, 10**6).map(float), st.floats(1e-9, 1e-3))
VALUES = st.one_of(TEXTS, st.booleans(), st.none(), NUMBERS, st.integers(-(2**63), 2**64 - 1))
EXECUTIONS = st.builds(
    Execution,
    application=st.sampled_from(["shop", "till"]) | NAMES,
    operation=st.sampled_from(["GET /", "GET /users/7"]) | NAMES,
    started_at=st.floats(0, NOW_S) | st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 00:00:00.25+01:00"]),
    duration_ms=NUMBERS,
    trace_id=TEXTS,
    span_id=TEXTS,
    parent_span_id=TEXTS,
    kind=st.sampled_from(heads.KINDS),
    status=st.sampled_from(["ok", "error", "unset"]),
    result=st.none() | TEXTS | st.integers(-(2**63), 2**63 - 1),
    environment=st.sampled_from(["", "test"]),
    version=st.sampled_from(["", "1.2"]) | TEXTS,
    host=TEXTS,
    memory_peak_mb=st.none() | NUMBERS,
    cpu_ms=st.none() | NUMBERS,
    error=st.none() | st.builds(ExecutionFailure, TEXTS, TEXTS, st.booleans()),
    attributes=st.dictionaries(TEXTS, VALUES | st.lists(VALUES, max_size=2), max_size=3),
    queue_wait=st.none() | st.builds(QueueWait, NAMES, NUMBERS, st.sampled_from(["", "group"])),
    adjusted_count=st.none() | st.floats(0, 1e6),
    segments=st.lists(st.builds(Segment, NAMES, NUMBERS, peer=st.none() | TEXTS), max_size=4),
)
PLAIN = {
    "application": "shop",
    "operation": "GET /",
    "started_at": 9,
    "duration_ms": 5.25,
    "trace_id": "ab",
    "status": "ok",
    "result": 200,
    "environment": "test",
    "version": "1.2",
    "host": "shop-0",
    "memory_peak_mb": 12,
    "cpu_ms": None,
    "error": {"type": "TimeoutError", "message": 'after "5" s\n', "handled": False},
    "attributes": {"tier": "gold", "retries": 3, "first": True, "none": None, "share": 0.5},
    "queue_wait": None,
    "adjusted_count": 10,
    "segments": [{"name": "SELECT", "duration_ms": 2, "peer": "db", "remote_ms": None}],
}


def assert_as_objects(values: Sequence[bytes], reader: ColumnReader | None = None) -> ReadRecords | None:
    """Records are read into columns only if nothing of them is refused, and then as their objects are."""
    read = (reader or ColumnReader(LIMITS)).read(values, NOW_S)
    if read is None:
        return None
    decoded = [decode_record(value, LIMITS, NOW_S) for value in values]
    assert not any(one.rejected for one in decoded)
    assert_same(read.executions, columned([execution for one in decoded for execution in one.executions]))
    assert read.records.tolist() == [record for record, one in enumerate(decoded) for _ in one.executions]
    return read


def kernel_reads(reader: ColumnReader, text: bytes) -> bool:
    """Whether no object is made of it."""
    read = reader._heads.read(PlacedTexts.of([text]), LIMITS.max_segments)
    return read is not None and not len(read.left)


@given(st.lists(EXECUTIONS, min_size=1, max_size=5), st.booleans(), st.booleans(), st.booleans())
def test_what_was_encoded_is_read_as_the_objects_are(
    executions: list[Execution], escaped: bool, pretty: bool, array: bool
) -> None:
    texts = list(map(encode, executions))
    if array:
        for execution in executions:
            execution.application = executions[0].application
        texts = [encode(one) for one in executions[:1]] + [b"[" + b",".join(map(encode, executions)) + b"]"]
    if escaped or pretty:
        texts = [
            json.dumps(json.loads(one), ensure_ascii=escaped, indent=2 if pretty else None).encode() for one in texts
        ]
    reader = ColumnReader(LIMITS)
    for _ in range(2):  # the second time all names are known
        assert_as_objects(texts, reader)


def test_usual_executions_are_read_without_objects() -> None:
    reader = ColumnReader(LIMITS)
    for indent in (None, 1):
        text = json.dumps(PLAIN, indent=indent).encode()
        assert kernel_reads(reader, text)
        assert kernel_reads(reader, b" [" + text + b" ,\n" + text + b"]\n")
        assert assert_as_objects([text, b"[" + text + b"]", b"[]"], reader) is not None


ODD: dict[str, list[Any]] = {
    "application": ["till", "", "x" * 201, "ü" * 200, 5, None],
    "operation": ["a", "", "x" * 1_001, None],
    "started_at": [-1, 1e11, NOW_S + 1e6, "2026-01-01T00:00:00Z", "soon", True, None, 10**30],
    "duration_ms": [-1, "2", None, True, 1e300, 1e-300],
    "trace_id": ["", None, 5, "\u0000", "ü" * 1_000, "ü" * 501, "x" * 1_000, "x" * 1_001],
    "kind": ["log", "consumer", "", "cron", None],
    "status": ["error", "errors", None],
    "result": ["200", None, 2.5, True, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, [], "\ud83d\ude00"],
    "environment": ["", "x" * 201, None],
    "version": ["", "x" * 1_000, "x" * 1_001, None, 1],
    "host": [None, "a\\b", 1, "x" * 1_001],
    "memory_peak_mb": [None, 0, -1, "1"],
    "cpu_ms": [None, 0, -1, "1"],
    "error": [None, {}, {"type": "E"}, {"handled": True}, {"handled": None}, {"kind": 1}, {"type": 1}, "E", []],
    "attributes": [{}, None, [], {"a": {}}, {"a": [1, {"b": []}]}, {"": ""}, {"a": 2**70}],
    "queue_wait": [None, {"destination": "q", "waited_ms": 4}, {"destination": ""}, {}],
    "adjusted_count": [None, 0, -1, 1e6, 1e6 + 1],
    "segments": [
        [],
        None,
        {},
        [{}],
        [{"name": "a", "duration_ms": 1, "count": 2}],
        [{"name": "a", "duration_ms": 1}] * 5,
    ],
    "unknown": [1, "x", [], {}, None],
}


@given(st.data())
def test_nothing_is_read_that_the_decoder_refuses_and_nothing_otherwise(data: st.DataObject) -> None:
    odd = dict(PLAIN)
    for name in data.draw(st.lists(st.sampled_from(sorted(ODD)), unique=True, max_size=3)):
        odd[name] = data.draw(st.sampled_from(ODD[name]))
    for name in data.draw(st.lists(st.sampled_from(sorted(odd)), unique=True, max_size=2)):
        del odd[name]
    text, plain = json.dumps(odd, separators=data.draw(SEPARATORS)).encode(), json.dumps(PLAIN).encode()
    reader = ColumnReader(LIMITS)
    reader.read([plain], NOW_S)
    assert_as_objects([plain, text, plain], reader)
    assert_as_objects([b"[" + b",".join((plain, text, plain)) + b"]"], reader)


SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "  :"), (",\n", ":\r\n")])


@given(st.data())
def test_text_that_was_damaged_is_read_as_the_decoder_does_or_not_at_all(data: st.DataObject) -> None:
    text = bytearray(json.dumps([PLAIN, PLAIN] if data.draw(st.booleans()) else PLAIN).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        match data.draw(st.sampled_from(["replace", "delete", "insert", "cut"])):
            case "replace":
                text[at] = data.draw(BYTES)
            case "delete":
                del text[at]
            case "insert":
                text.insert(at, data.draw(BYTES))
            case _:
                del text[at : at + data.draw(st.integers(1, 40))]
        if not text:
            return
    assert_as_objects([json.dumps(PLAIN).encode(), bytes(text), json.dumps(PLAIN).encode()])


BYTES = st.one_of(st.sampled_from(b'[]{}",:\\ \n\t0123456789.eE+-nultrfas'), st.integers(0, 255))


@pytest.mark.parametrize("field", PLAIN)
def test_of_a_field_that_is_named_twice_the_last_value_counts(field: str) -> None:
    text = json.dumps(PLAIN)
    for value in ODD[field]:
        again = f"{text[:-1]}, {json.dumps(field)}: {json.dumps(value)}}}".encode()
        assert not kernel_reads(ColumnReader(LIMITS), again)
        assert_as_objects([again])


def test_what_is_too_long_is_left_to_the_decoder() -> None:
    text = json.dumps(PLAIN).encode()
    longest = text + b" " * (LIMITS.max_event_bytes - len(text))
    assert assert_as_objects([longest]) is not None
    assert assert_as_objects([b"[%b,%b]" % (text, text)]) is not None
    reader = ColumnReader(LIMITS)
    assert reader.read([longest + b" "], NOW_S) is None
    assert reader.read([b" " * LIMITS.max_record_bytes + text], NOW_S) is None
    assert reader.read([None], NOW_S) is None


def test_elements_of_one_record_are_of_one_application() -> None:
    one, test, other = (
        encode(Execution(name, "GET /", 9.0, 5.0, environment=environment))
        for name, environment in (("shop", ""), ("shop", "test"), ("till", ""))
    )
    assert assert_as_objects([one, other, b"[%b,%b]" % (other, other), b"[%b,%b]" % (one, test)]) is not None
    assert ColumnReader(LIMITS).read([b"[%b,%b]" % (one, other)], NOW_S) is None


def test_operations_are_normalized_also_of_what_the_kernel_leaves() -> None:
    plain, left = (encode(Execution("shop", "GET /A", at, 5.0)) for at in (9.0, "2026-01-01T00:00:00Z"))
    reader = ColumnReader(LIMITS, str.lower)
    for _ in range(2):
        read = reader.read([plain, left], NOW_S)
        assert read is not None
        assert [one.operation for one in read.executions] == ["get /a"] * 2
        assert_same(read.executions, columned(list(read.executions)))


def test_names_are_numbered_anew_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, text = ColumnReader(LIMITS), json.dumps(PLAIN).encode()
    found = [assert_as_objects([text], reader)]
    for module, most in ((heads, "NUMBERED_HEADS"), (heads, "MOST_LETTERS"), (numbered_texts, "MOST_TEXTS")):
        with monkeypatch.context() as patch:
            patch.setattr(module, most, 1)
            found.append(reader.read([text], NOW_S))
    read = [one.executions for one in found if one is not None]
    assert len({id(one.heads.names) for one in read}) == 4
    joined = type(read[0]).joined([read[0], read[1]])
    assert [one.version for one in joined] == ["1.2", "1.2"]
    assert [joined.heads.names.versions.names[number] for number in joined.heads.version.tolist()] == ["1.2", "1.2"]


@given(st.lists(EXECUTIONS, min_size=1, max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_a_slice_and_parts_have_the_columns_of_their_executions(
    executions: list[Execution], start: int, stop: int
) -> None:
    names = HeadNames()
    given_parts = [columned([one], names) for one in executions]
    joined = type(given_parts[0]).joined(given_parts)
    assert_same(joined, columned(executions))
    assert_same(joined[start:stop], columned(executions[start:stop]))
    assert joined[0] is executions[0]
    assert msgspec.json.encode(list(joined)) == msgspec.json.encode(executions)
