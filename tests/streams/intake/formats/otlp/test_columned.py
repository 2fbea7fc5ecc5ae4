"""Spans decoded by columns, next to what the decoder of objects makes of the same."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData

from tests.streams.intake.formats.otlp.otlp_records import START_NS, attribute, good_span, record_of
from tests.streams.intake.formats.otlp.test_otlp_fuzz import mutated
from tests.tracers.recorded import PARTLY, WHOLE, values_of
from tracehound.streams.intake.conventions.names import CONCEPTS
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.decoded import DecodedSpans
from tracehound.streams.intake.formats.otlp import columned
from tracehound.streams.intake.formats.otlp.columned import ColumnedDecoder
from tracehound.streams.intake.formats.otlp.packer import SpanPacker
from tracehound.streams.intake.sent_messages import packed_ends, told_of

LIMITS = SpanLimits()
COLUMNED = ColumnedDecoder()
PACKING = ColumnedDecoder(SpanPacker())
"""They remember what all tests before have shown them."""
_encode = msgspec.msgpack.Encoder().encode
TEXTS = ("GET", "/a", "http://stock:81/b?c", "10.0.0.1", "true", "200", "", "redis", "kafka", "x" * 130, "ü")
VALUES = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: AnyValue(string_value=text)),
    st.sampled_from((0, 5, 80, 200, 404, 503, 2**40)).map(lambda number: AnyValue(int_value=number)),
    st.booleans().map(lambda truth: AnyValue(bool_value=truth)),
    st.just(AnyValue()),
)
FEW = ("http.request.method", "http.route", "url.path", "url.full", "http.url", "network.peer.address")
NAMES = st.sampled_from(FEW) | st.sampled_from([name for names in CONCEPTS.values() for name in names]) | st.just("own")


@st.composite
def alike(draw: st.DrawFn) -> Span:
    """Spans of which many say nearly the same, often of concepts whose values are no part of a shape."""
    span = good_span(
        draw(st.integers(1, 2**64 - 1)),
        parent_span_id=draw(st.sampled_from([b"", bytes(8), b"\x07" * 8])),
        name=draw(st.sampled_from(["GET", "", "HTTP GET", "send", "SELECT a"])),
        kind=draw(st.integers(0, 6)),
        flags=draw(st.sampled_from([0, 0x100, 0x301])),
        end_time_unix_nano=START_NS + draw(st.integers(0, 10**10)),
    )
    span.attributes.extend(attribute(draw(NAMES), draw(VALUES)) for _ in range(draw(st.integers(0, 5))))
    if draw(st.booleans()):
        span.status.CopyFrom(Status(code=draw(st.sampled_from([0, 2])), message=draw(st.sampled_from(["", "lost"]))))  # type: ignore[arg-type]
    if draw(st.integers(0, 9)) == 0:
        span.trace_state = "ot=th:8"
    return span


def assert_same(value: bytes, decoder: ColumnedDecoder = COLUMNED) -> None:
    oracle = decode_spans(value, LIMITS)
    assert decode_spans(value, LIMITS, columned=decoder) == oracle
    for packing in (PACKING, ColumnedDecoder(SpanPacker())):
        assert_packed(decode_spans(value, LIMITS, columned=packing), oracle)


def assert_packed(found: DecodedSpans, oracle: DecodedSpans) -> None:
    """What was packed at once is what packing the spans gives, to the byte, and tells of the same messages."""
    if found.packed is None:
        assert found == oracle
        return
    traces = [(trace_id, len(chunk), _encode(chunk)) for trace_id, chunk in oracle.traces.items()]
    assert [(trace_id, count, bytes(piece)) for trace_id, count, piece in found.packed.traces] == traces
    told = [told_of(trace_id, chunk) for trace_id, chunk in oracle.traces.items()]
    assert _entries(packed_ends(found.packed.sent)) == _entries(b"".join(told))
    assert msgspec.structs.replace(found, packed=None) == msgspec.structs.replace(oracle, traces={})


def _entries(told: bytes) -> list[bytes]:
    return sorted(told[at : at + 16] for at in range(0, len(told), 16))


@settings(max_examples=200, deadline=None)
@given(st.lists(alike(), min_size=1, max_size=6), st.integers(0, 2**32))
def test_what_is_remembered_says_the_same_of_every_span_of_its_shape(spans: list[Span], seed: int) -> None:
    """200 records, also by one that does not remember anything, and 10 mutations of each."""
    value = record_of(*spans).SerializeToString()
    assert COLUMNED(value, LIMITS) is not None
    assert_same(value)
    assert_same(value, ColumnedDecoder())
    chance = random.Random(seed)
    for _ in range(10):
        assert_same(mutated(value, chance))


@pytest.mark.parametrize("case", [*WHOLE, *PARTLY])
def test_what_tracers_wrote_is_read_the_same(case: str) -> None:
    for value in values_of(case):
        assert_same(value)
        assert_same(value)


def server(path: str, route: str = "/carts/{id}") -> Span:
    given = {"http.request.method": "GET", "http.route": route, "url.path": path, "own": path}
    return good_span(1, kind=2, name="GET", attributes=[attribute(*pair) for pair in given.items() if pair[1]])


def test_values_that_say_nothing_make_no_shape_and_those_that_do_are_told_apart() -> None:
    decoder = ColumnedDecoder()
    for number in range(9):
        assert_same(record_of(server(f"/carts/{number}")).SerializeToString(), decoder)
    assert (len(decoder._known), len(decoder._with_values)) == (1, 0)
    for number in range(9):
        value = record_of(server(f"/{number}", route="")).SerializeToString()
        assert_same(value, decoder)
        ((_, (span,)),) = decode_spans(value, LIMITS, columned=decoder).traces["ab" * 16].spans
        assert span.operation == f"GET /{number}"
    assert (len(decoder._known), len(decoder._with_values)) == (1, 9)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columned, "_REMEMBERED", 3)
    decoder = ColumnedDecoder()
    for number in range(9):
        assert_same(record_of(good_span(1, name=f"work {number}")).SerializeToString(), decoder)
        assert_same(record_of(server(f"/{number}", route="")).SerializeToString(), decoder)
        assert_same(record_of(good_span(1, name="x" * 2_000)).SerializeToString(), decoder)
        assert 0 < len(decoder._known) <= 3
        assert 0 < len(decoder._with_values) <= 3


def test_what_is_not_all_well_is_read_with_care() -> None:
    decoder = ColumnedDecoder()
    well = record_of(good_span())
    assert decoder(well.SerializeToString(), LIMITS) is not None
    assert decoder(well.SerializeToString()[:-1], LIMITS) is None
    assert decoder(record_of(good_span(), good_span(span_id=b"")).SerializeToString(), LIMITS) is None
    assert decoder(record_of(*map(good_span, range(1, 4))).SerializeToString(), SpanLimits(max_spans=2)) is None
    many = TracesData()
    for _ in range(3):
        many.resource_spans.add().scope_spans.add()
    assert decoder(many.SerializeToString(), SpanLimits(max_spans=2)) is None
    assert decoder(b"\x12\x00" * 5, LIMITS) is not None  # only fields that are not known
    for size in (40, 400, 40_000):
        assert_same(b"\x0a\x00" * size)
        assert_same(well.SerializeToString() * size)


@pytest.mark.parametrize("count", [1, 14, 15, 40, 66_000])
def test_many_spans_and_resources_are_packed_as_they_would_be(count: int) -> None:
    """Lists of every length that is written in another way, of one trace in many resources and of many traces."""
    record = TracesData()
    for number in range(min(count, 40)):
        resource = record.resource_spans.add()
        resource.resource.attributes.append(attribute("service.name", f"service {number // 2}"))
        scope = resource.scope_spans.add()
        for place in range(1 + (count if number == 0 else number % 3)):
            scope.spans.append(
                good_span(1 + number * 100_000 + place, trace_id=bytes([1 + place % 7 % (1 + number)]) * 16)
            )
    value = record.SerializeToString()
    oracle = decode_spans(value, LIMITS)
    found = decode_spans(value, LIMITS, columned=PACKING)
    assert found.packed is not None
    assert_packed(found, oracle)
