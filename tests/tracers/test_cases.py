"""What real tracers wrote leads to the executions that people of their ecosystem expect."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracers.recorded import (
    CASES,
    PARTLY,
    WHOLE,
    as_expected,
    as_told,
    by_start,
    decoded,
    executions_of_case,
    expected_of,
    one_by_one,
    pieces_of,
    values_of,
)
from tests.tracers.wanted import look_up, wanted_of
from tracehound.schemas.spans import TraceChunk
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans


@pytest.mark.parametrize("case", WHOLE)
def test_what_a_tracer_wrote_is_what_its_people_expect(case: str) -> None:
    expected = expected_of(case)

    made = sorted(map(as_told, executions_of_case(case)), key=by_start)

    assert made == as_expected(case)
    assert sum(len(each.rejected) for each in decoded(case)) == expected["dead_letters"]
    if "spans_left_out_unfinished" in expected:
        assert sum(each.unfinished for each in decoded(case)) == expected["spans_left_out_unfinished"]


@pytest.mark.parametrize("case", PARTLY)
def test_what_an_application_exported_is_what_its_people_expect(case: str) -> None:
    expected = expected_of(case)

    made = {execution.span_id: execution for execution in executions_of_case(case)}

    assert [each.rejected for each in decoded(case)] == [[]]
    assert set(expected.get("none", ())).isdisjoint(made)
    told = {
        span: {name: look_up(made[span], name) for name in fields} for span, fields in expected["executions"].items()
    }
    wanted = {
        span: {name: wanted_of(made[span], name, value) for name, value in fields.items()}
        for span, fields in expected["executions"].items()
    }
    assert told == wanted


Piece = tuple[str, TraceChunk]


@pytest.mark.parametrize("case", [*WHOLE, *PARTLY])
@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_neither_order_nor_pieces_nor_repetitions_matter(case: str, random: Random) -> None:
    whole = joined(list(pieces_of(case)))

    spans = list(one_by_one(case))
    spans += [one for one in one_by_one(case) if random.random() < 0.3]
    random.shuffle(spans)
    pieces = [(trace_id, TraceChunk([(resource, [span])])) for trace_id, resource, span in spans]

    assert joined(pieces) == whole


def joined(pieces: list[Piece]) -> list[bytes]:
    traces: dict[str, list[TraceChunk]] = {}
    for trace_id, chunk in pieces:
        traces.setdefault(trace_id, []).append(chunk)
    return sorted(
        msgspec.msgpack.encode(execution)
        for trace_id, chunks in traces.items()
        for execution in assemble(trace_id, chunks).executions
    )


@pytest.mark.parametrize("case", [*WHOLE, *PARTLY])
def test_every_prefix_of_a_record_is_borne(case: str) -> None:
    for value in values_of(case)[:3]:
        for end in range(0, len(value), max(1, len(value) // 40)):
            made = decode_spans(value[:end], SpanLimits())
            assert end == 0 or made.rejected or made.spans or made.unfinished or made.format


COLLECTOR = CASES / "collector"


def test_text_that_is_not_utf8_where_nobody_reads_it_costs_nothing() -> None:
    made = decode_spans((COLLECTOR / "invalid-utf8-elsewhere.bin").read_bytes(), SpanLimits())

    assert (made.spans, made.rejected) == (3, [])


def test_jaegers_span_whose_id_looks_like_an_empty_record_is_read() -> None:
    made = decode_spans((COLLECTOR / "jaeger-proto-taken-for-empty.bin").read_bytes(), SpanLimits())

    assert (made.spans, made.format) == (1, "Jaeger Protobuf")


def test_todays_name_of_the_called_service_is_read() -> None:
    made = decode_spans((COLLECTOR / "service-peer-name.bin").read_bytes(), SpanLimits())

    ((_, (span,)),) = next(iter(made.traces.values())).spans
    assert span.peer == "stock"


def test_zipkins_array_is_read() -> None:
    made = decode_spans((COLLECTOR / "zipkin-json-called-not-json.json").read_bytes(), SpanLimits())

    assert (made.spans, made.format) == (1, "Zipkin JSON")


def test_what_a_collector_writes_from_the_last_field_to_the_first_says_the_same() -> None:
    backwards = decode_spans((COLLECTOR / "written-backwards.bin").read_bytes(), SpanLimits())

    (forwards,) = decoded("sdk-node/express-fastify.pb")
    assert (backwards.traces, backwards.rejected) == (forwards.traces, [])
