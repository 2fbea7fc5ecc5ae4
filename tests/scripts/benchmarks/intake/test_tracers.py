from itertools import count

import pytest

from tracehound.scripts.benchmarks.intake import tracers
from tracehound.scripts.benchmarks.intake.tracers import measure_tracers
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans


def test_every_format_has_all_spans_and_a_share_of_the_time() -> None:
    ticks = count()

    found = measure_tracers(300, 2, lambda: float(next(ticks)))

    assert set(found) == {
        "OTLP",
        "OTLP, one span a record",
        "OTLP, a segment a record",
        "Zipkin",
        "Jaeger",
        "SkyWalking",
    }
    assert found["Jaeger"].spans_per_record == found["OTLP, one span a record"].spans_per_record == 1.0
    assert found["SkyWalking"].spans_per_record == found["OTLP, a segment a record"].spans_per_record > 1.5
    assert found["Zipkin"].spans_per_record == found["OTLP"].spans_per_record > 20
    assert len({cost.microseconds for cost in found.values()}) == 1
    assert 0 < found["OTLP"].microseconds <= 1e6 / 300


def test_each_format_is_recognised_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    read: dict[str, set[tuple[str, str, str | int | None]]] = {}

    def noted(value: bytes, limits: SpanLimits) -> DecodedSpans:
        decoded = decode_spans(value, limits)
        for trace_id, chunk in decoded.traces.items():
            some = read.setdefault(decoded.format, set())
            some.update((trace_id, span.operation, span.result) for _, spans in chunk.spans for span in spans)
        return decoded

    monkeypatch.setattr(tracers, "decode_spans", noted)
    measure_tracers(200, 1)

    assert set(read) == {"OTLP Protobuf", "Zipkin Protobuf", "Jaeger Protobuf", "SkyWalking"}
    expected = read["OTLP Protobuf"]
    assert read["Zipkin Protobuf"] == read["Jaeger Protobuf"] == expected
    # its agents name calls of databases otherwise
    assert {(trace, code) for trace, _, code in read["SkyWalking"]} == {(trace, code) for trace, _, code in expected}


def test_spans_that_are_not_read_are_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracers, "decode_spans", lambda value, limits: DecodedSpans())

    with pytest.raises(RuntimeError, match=r"spans of OTLP must be read\. Got 0 instead"):
        measure_tracers(100, 1)
