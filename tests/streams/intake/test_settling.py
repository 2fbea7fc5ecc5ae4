"""Executions are told as soon as they have settled, and what is left of a trace that goes on is kept."""

from dataclasses import replace

import pytest

from tests.streams.intake.conftest import make_batch, make_chunk, make_span, make_tick
from tracehound.schemas.spans import SpanBatch, Tick
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.trace_buffer import TraceBuffer

RULES = JoinRules(
    wait_ms=10, incomplete_wait_ms=60, max_trace_ms=300, max_trace_spans=500, memory_ms=60, patience_ms=10_000
)
ROOT = make_chunk(("shop", make_span("a")))
INNER = make_chunk(("shop", make_span("b", "a", kind="client")))
CALLEE = make_chunk(("stock", make_span("c", "b")))

Told = tuple[str, str, list[str]]


@pytest.fixture
def buffer() -> TraceBuffer:
    return TraceBuffer(RULES)


def take(buffer: TraceBuffer, record: SpanBatch | Tick) -> list[Told]:
    """Of each trace closed or told of: its id, reason and executions."""
    return [
        (one.trace_id, one.reason, [execution.span_id for execution in one.assembled.executions])
        for one in buffer.take(buffer.position, record)
    ]


def test_a_trace_whose_enclosing_span_is_missing_is_waited_for_longer(buffer: TraceBuffer) -> None:
    calls = make_chunk(("stock", make_span("c", "b")))
    take(buffer, make_batch(0, 100, ("goes on", INNER), ("is gone", INNER), ("was called", calls)))

    assert take(buffer, make_tick(0, otlp=110)) == [("was called", "complete", ["c"])]
    take(buffer, make_batch(1, 150, ("goes on", ROOT)))
    assert take(buffer, make_tick(0, otlp=159)) == []
    assert take(buffer, make_tick(0, otlp=160)) == [("goes on", "complete", ["a"])]
    assert buffer.low == buffer.position  # what is left needs no record any more
    assert take(buffer, make_tick(0, otlp=399)) == []
    assert take(buffer, make_tick(0, otlp=400)) == [("is gone", "incomplete", [])]


def test_a_request_of_minutes_keeps_its_segments(buffer: TraceBuffer) -> None:
    take(buffer, make_batch(0, 100, ("t", INNER)))
    take(buffer, make_batch(1, 102, ("t", CALLEE)))
    assert take(buffer, make_tick(0, otlp=112)) == [("t", "running", ["c"])]
    for clock_ms in range(120, 360, 20):
        assert take(buffer, make_tick(0, otlp=clock_ms)) == []
    take(buffer, make_batch(2, 360, ("t", ROOT)))
    (closed,) = buffer.take(buffer.position, make_tick(0, otlp=370))

    (shop,) = closed.assembled.executions
    (segment,) = shop.segments
    assert (closed.reason, closed.spans, shop.span_id) == ("complete", 3, "a")
    assert (segment.span_id, segment.peer, segment.remote_ms) == ("b", "stock", 10.0)


def test_a_trace_that_goes_on_holds_nobody_up(buffer: TraceBuffer) -> None:
    """A websocket: every message calls stock, its own span does not end."""
    began: dict[str, int] = {}
    told: dict[str, int] = {}
    for now in range(1_000, 1_280):
        found: list[Told] = []
        if now % 4 == 0:
            call = make_chunk(("shop", make_span(f"b{now}", "a", kind="client")))
            answer = make_chunk(("stock", make_span(f"c{now}", f"b{now}")))
            began[f"c{now}"] = now
            found += take(buffer, make_batch(now, now, ("t", call), ("t", answer)))
        for _, reason, executions in found + take(buffer, make_tick(0, otlp=now)):
            assert reason == "running"
            assert told.keys().isdisjoint(executions)
            told |= {execution: now - began[execution] for execution in executions}
    assert list(told) == sorted(told)
    assert len(told) == len(began) - 3
    assert (min(told.values()), max(told.values())) == (10, 15)
    assert buffer.low == buffer.position


def test_an_execution_waits_longer_for_spans_of_its_own_that_lack_a_parent(buffer: TraceBuffer) -> None:
    within = make_chunk(("shop", make_span("d", "lost", start_ms=2.0, duration_ms=1.0, kind="internal")))
    later = make_chunk(("shop", make_span("e", "lost", start_ms=20.0, kind="internal")))
    consumer = make_chunk(("shop", make_span("a", kind="consumer")))
    pieces = [("t", ROOT), ("t", within), ("u", ROOT), ("u", later), ("v", consumer), ("v", later)]
    take(buffer, make_batch(0, 100, *pieces))

    assert take(buffer, make_tick(0, otlp=110)) == [("u", "running", ["a"])]
    assert take(buffer, make_tick(0, otlp=159)) == []
    assert take(buffer, make_tick(0, otlp=160)) == [("t", "running", ["a"]), ("v", "running", ["a"])]


def test_what_comes_of_an_execution_that_was_told_is_late(buffer: TraceBuffer) -> None:
    waiting = make_chunk(("web", make_span("x", "missing", kind="internal")))
    take(buffer, make_batch(0, 100, ("t", ROOT), ("t", waiting)))
    assert take(buffer, make_tick(0, otlp=110)) == [("t", "running", ["a"])]
    take(buffer, make_batch(1, 111, ("t", INNER)))
    take(buffer, make_tick(0, otlp=130))
    (closed,) = buffer.take(buffer.position, make_tick(0, otlp=400))

    assert (closed.assembled.executions, closed.assembled.orphans, closed.outlasting) == ([], 1, 1)


def test_what_is_left_of_traces_that_go_on_has_a_bound(buffer: TraceBuffer) -> None:
    buffer.rules = replace(RULES, long_bytes=2_000)
    take(buffer, make_batch(0, 100, *((f"t{number}", INNER) for number in range(4))))

    assert take(buffer, make_tick(0, otlp=160)) == [("t2", "incomplete", []), ("t3", "incomplete", [])]
    more = make_chunk(("shop", make_span("f", "a", kind="internal", operation="x" * 300)))
    assert take(buffer, make_batch(1, 200, ("t1", more))) == [("t0", "memory", [])]
    assert len(buffer) == 1
