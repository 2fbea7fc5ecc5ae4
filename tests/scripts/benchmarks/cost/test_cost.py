"""Cost of bytes: every kind of input is what it says and is read without an error, and the page has a row for each."""

import pytest

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.scripts.benchmarks.cost import spans
from tracehound.scripts.benchmarks.cost.__main__ import page, rows_of
from tracehound.scripts.benchmarks.cost.measure import Joining, Scoring, nanoseconds_a_byte
from tracehound.scripts.strangers import executions, small
from tracehound.scripts.strangers.values import Given, Makers, given
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits


def test_good_input_is_taken_and_nothing_of_it_refused() -> None:
    for value in executions.goods(20):
        assert (len(decode_record(value, Limits(), 2e9).executions), decode_record(value, Limits(), 2e9).rejected) == (
            1,
            [],
        )
    for [value] in (spans.good_json(), spans.good_protobuf()):
        decoded = decode_spans(value, SpanLimits())
        assert (decoded.spans, decoded.rejected) == (3_000, [])


@pytest.mark.parametrize("kinds", [spans.JSON, spans.PROTOBUF], ids=["JSON", "Protobuf"])
def test_every_kind_of_spans_is_within_the_size_of_a_record_and_told(kinds: Makers) -> None:
    for name, make in kinds.items():
        for value, _ in given(make()):
            assert value is not None
            assert len(value) < SpanLimits().max_record_bytes
            decoded = decode_spans(value, SpanLimits())
            assert decoded.spans or decoded.rejected or decoded.unfinished, name


def test_the_page_has_the_dearest_first() -> None:
    cheap, dear = (
        {"of": "x", "input": name, "ns_per_byte": cost, "ratio": cost} for name, cost in (("a", 1), ("b", 9))
    )
    lines = page([cheap, dear]).splitlines()
    assert lines[-2:] == ["| x | b | 9 | 9 |", "| x | a | 1 | 1 |"]
    [row] = rows_of("OTLP JSON", Joining, spans.good_json(), {"the same": spans.good_json})
    assert row["ns_per_byte"] > 0.0
    assert 0.2 < row["ratio"] < 5.0
    assert nanoseconds_a_byte([b"x" * 84], 1e-7) == 1.0
    assert nanoseconds_a_byte([Given(None, (("a", b"x" * 81),))], 1e-7) == 1.0


def test_what_is_refused_of_records_of_next_to_nothing_is_buried() -> None:
    way = Scoring()
    refused = 0.0
    for name, make in small.EXECUTIONS.items():
        records = list(make())[:600]
        assert way.cost(records) > 0.0
        buried, before = way.buried(), refused
        refused = buried
        of_good = name.startswith("good") or name in ("records of an empty array", "records of few spans of OTLP")
        assert (buried - before == len(records)) is not (of_good or "deleted" in name or "gzip" in name), name
