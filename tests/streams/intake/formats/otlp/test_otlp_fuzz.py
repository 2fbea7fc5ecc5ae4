"""Whatever the bytes, the decoders of OTLP do not raise, and a broken span does not harm its neighbours."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from tests.streams.intake.formats.otlp.otlp_records import ENCODINGS, as_json, as_protobuf, records
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans
from tracehound.streams.intake.formats.otlp.columned import ColumnedDecoder

LIMITS = SpanLimits()
COLUMNED = ColumnedDecoder()
"""Remembers shapes of all records before."""
MARKER = "@broken@"
RECORDS = 80
MUTATIONS = 100
SEEDS = st.integers(0, 2**32)
JSON_VALUES: tuple[Any, ...] = (None, True, -1, 2**64, 1.5, "", "x", "SPAN_KIND_SERVER", [], {}, [[]], [None], "\ud800")


def check(value: bytes) -> DecodedSpans:
    """Decodes, and checks what holds for every record: counts agree, what was refused is refused again, and by columns
    it is the same."""
    decoded = decode_spans(value, LIMITS)
    assert decode_spans(value, LIMITS, columned=COLUMNED) == decoded
    assert decoded.spans == sum(map(len, decoded.traces.values()))
    assert decoded.format == "SkyWalking" or all(len(trace_id) == 32 for trace_id in decoded.traces)
    for rejection in decoded.rejected:
        if not rejection.indexes:
            assert (rejection.value_bytes, decoded.spans) == (value, 0)
            continue
        assert rejection.reason.startswith(decoded.format)
        assert rejection.format == decoded.format
        again = decode_spans(rejection.value_bytes, LIMITS, rejection.format)
        assert again.spans == 0
        [alone] = again.rejected
        assert (alone.error, len(alone.indexes)) == (rejection.error, len(rejection.indexes))
    return decoded


def mutated(value: bytes, chance: random.Random) -> bytes:
    """The bytes with up to four of them changed, removed, doubled or cut off."""
    content = bytearray(value)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(6):
            case 0:
                del content[at:]
            case 1:
                del content[at : at + chance.randint(1, 20)]
            case 2:
                content[at:at] = content[at : at + chance.randint(1, 20)]
            case 3:
                content[at:at] = chance.randbytes(chance.randint(1, 4))
            case _ if at < len(content):
                content[at] ^= 1 << chance.randrange(8)
    return bytes(content)


def replace_any(tree: Any, chance: random.Random) -> Any:
    """The tree with one of its values replaced."""
    paths: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        children = list(node.items() if isinstance(node, dict) else enumerate(node))
        paths += [(node, key) for key, _ in children]
        waiting += [child for _, child in children if isinstance(child, (dict, list))]
    if paths:
        node, key = chance.choice(paths)
        node[key] = chance.choice(JSON_VALUES)
    return tree


@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: ("{" + text).encode()))
def test_any_bytes_are_borne(value: bytes) -> None:
    """2,000 inputs."""
    check(value)


@pytest.mark.parametrize("encode", [as_protobuf, as_json])
@settings(max_examples=RECORDS, deadline=None)
@given(records(), SEEDS)
def test_mutated_records_are_borne(encode: Callable[[TracesData], bytes], record: TracesData, seed: int) -> None:
    """8,000 inputs in each encoding: 80 records with 100 mutations of each."""
    chance = random.Random(seed)
    value = encode(record)
    for _ in range(MUTATIONS):
        check(mutated(value, chance))


@settings(max_examples=RECORDS, deadline=None)
@given(records(min_spans=1), SEEDS)
def test_any_value_in_json_may_be_any_other(record: TracesData, seed: int) -> None:
    """4,000 inputs: 80 records with 50 replaced values of each."""
    chance = random.Random(seed)
    text = as_json(record)
    for _ in range(MUTATIONS // 2):
        check(json.dumps(replace_any(json.loads(text), chance)).encode())


def with_marker(record: TracesData, seed: int) -> TracesData:
    """The record with one more span that has the marker as its name, somewhere in it."""
    chance = random.Random(seed)
    copy = TracesData.FromString(record.SerializeToString())
    scope = chance.choice(chance.choice(copy.resource_spans).scope_spans)
    span = Span(trace_id=b"\x05" * 16, span_id=b"\x05" * 8, name=MARKER, start_time_unix_nano=1, end_time_unix_nano=2)
    others = list(scope.spans)
    at = chance.randrange(len(others) + 1)
    del scope.spans[:]
    scope.spans.extend([*others[:at], span, *others[at:]])
    return copy


NOT_JSON = (b"\xff", b"NaN", b"7", b'{"a":1}', b'"\\ud800"', b'"\\x"', b"nul", b"[" * 5_000 + b"]" * 5_000)
"""What a span's name may be in JSON that is wrong, but leaves visible where the span ends."""


@settings(max_examples=100, deadline=None)
@given(records(min_spans=1), SEEDS)
def test_a_span_that_is_not_utf8_does_not_harm_its_neighbours(record: TracesData, seed: int) -> None:
    """100 records in each of four encodings."""
    marked = with_marker(record, seed)
    for encode in ENCODINGS.values():
        expected = decode_spans(encode(marked), LIMITS)
        decoded = check(encode(marked).replace(MARKER.encode(), b"@\xff\xfe\xfd\xfc@@@"))
        assert (decoded.spans, decoded.rejected) == (expected.spans, [])
        ((_, (span,)),) = decoded.traces["05" * 16].spans
        assert span.operation == "@\ufffd\ufffd\ufffd\ufffd@@@"


@settings(max_examples=100, deadline=None)
@given(records(min_spans=1), SEEDS, st.sampled_from(NOT_JSON))
def test_a_span_that_is_not_json_does_not_harm_its_neighbours(record: TracesData, seed: int, broken: bytes) -> None:
    """100 records."""
    marked = with_marker(record, seed)
    value = as_json(marked).replace(b'"' + MARKER.encode() + b'"', broken)
    assert_only_the_marked_is_refused(as_json(record), value)


@settings(max_examples=100, deadline=None)
@given(
    records(min_spans=1),
    SEEDS,
    st.sampled_from(
        [
            {"trace_id": b"short"},
            {"trace_id": bytes(16)},
            {"span_id": b""},
            {"parent_span_id": b"short"},
            {"start_time_unix_nano": 2**40},
        ]
    ),
)
def test_a_span_that_breaks_a_rule_does_not_harm_its_neighbours(
    record: TracesData, seed: int, fields: dict[str, Any]
) -> None:
    """100 records in each of four encodings."""
    marked = with_marker(record, seed)
    for resource in marked.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                if span.name == MARKER:
                    for name, content in fields.items():
                        setattr(span, name, content)
    for encode in ENCODINGS.values():
        assert_only_the_marked_is_refused(encode(record), encode(marked))


def assert_only_the_marked_is_refused(without: bytes, value: bytes) -> None:
    expected, decoded = decode_spans(without, LIMITS), check(value)
    assert expected.rejected == []
    assert (decoded.traces, decoded.spans) == (expected.traces, expected.spans)
    (rejection,) = decoded.rejected
    assert len(rejection.indexes) == 1
