from collections.abc import Sequence

import pytest

from tracehound.schemas.spans import Resource
from tracehound.scripts.benchmarks.intake.workload import EXECUTIONS_PER_S, Made, Record, make_workload, typical
from tracehound.scripts.recorded.otlp_encoding import encode_protobuf
from tracehound.scripts.recorded.otlp_spans import Exported, OtlpSpan
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

START_S = 1_750_000_000.0


def made_of(spans: int, start_s: float = START_S) -> tuple[Made, list[Record]]:
    records: list[Record] = []
    return make_workload(spans, encode_protobuf, start_s, records.append), records


def test_the_same_start_gives_the_same_records() -> None:
    assert made_of(3_000) == made_of(3_000)


def test_records_hold_the_spans_that_are_told_in_the_order_of_their_timestamps() -> None:
    made, records = made_of(8_000)

    decoded = [decode_spans(record.value, SpanLimits()) for record in records]
    assert [each.spans for each in decoded] == [record.spans for record in records]
    assert sum(record.spans for record in records) == made.spans >= 8_000
    assert made.records == len(records)
    assert max(record.spans for record in records) == 500
    times = [record.timestamp_ms for record in records]
    assert times == sorted(times)
    assert times[-1] / 1e3 - START_S == pytest.approx(made.executions / EXECUTIONS_PER_S, rel=0.2)
    spans = [span for each in decoded for chunk in each.traces.values() for _, spans in chunk.spans for span in spans]
    assert sum(span.kind == "server" for span in spans) <= made.executions < len(spans)
    assert {span.kind for span in spans} == {"server", "client", "internal"}


class Kept:
    """An encoder that keeps what it is given."""

    def __init__(self) -> None:
        self.exported: list[Exported] = []

    def __call__(self, exported: Sequence[Exported]) -> bytes:
        self.exported += exported
        return b""


def test_every_span_has_8_to_12_attributes_and_none_twice() -> None:
    kept = Kept()
    make_workload(4_000, kept, START_S, lambda _: None)

    keys = [[key for key, _ in span.attributes] for _, spans in kept.exported for span in spans]
    assert {len(each) for each in keys} <= set(range(8, 13))
    assert all(len(set(each)) == len(each) for each in keys)


def test_what_a_span_says_itself_stays() -> None:
    own = (("http.request.method", "GET"), ("http.response.status_code", 503), ("shop.own", 1))
    span = OtlpSpan("a" * 32, "b" * 16, "", False, "GET /cart", "server", 1, 2, attributes=own)
    kept = Kept()

    typical(kept)([(Resource("shop"), [span])])

    [(resource, [encoded])] = kept.exported
    assert resource == Resource("shop")
    assert encoded.attributes[:3] == own
    assert encoded.name == span.name
    assert [value for key, value in encoded.attributes if key == "http.response.status_code"] == [503]
