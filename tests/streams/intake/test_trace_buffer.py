import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.intake.conftest import (
    BUFFERS,
    NATIVE,
    OTHER,
    OTLP,
    make_batch,
    make_chunk,
    make_span,
    make_tick,
    pack_chunk,
    rules_of,
    written,
)
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import SpanBatch, Tick, TraceChunk
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.closing import Closing, Told, in_order
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.open_trace import CHUNK_BYTES, TRACE_BYTES
from tracehound.streams.intake.source_clocks import SourceClocks
from tracehound.streams.intake.trace_buffer import TraceBuffer

RULES = JoinRules(
    wait_ms=10,
    incomplete_wait_ms=60,
    max_trace_ms=300,
    max_trace_spans=5,
    buffer_bytes=1_000_000,
    memory_ms=60,
    patience_ms=10_000,
)
ROOT = make_chunk(("shop", make_span("a")))
INNER = make_chunk(("shop", make_span("b", "a", kind="client")))
CALLEE = make_chunk(("stock", make_span("c", "b")))

Feed = Callable[[SpanBatch | Tick], list[tuple[str, str, bool, int, int]]]


@pytest.fixture
def buffer() -> TraceBuffer:
    return TraceBuffer(RULES)


@pytest.fixture
def take(buffer: TraceBuffer) -> Feed:
    """Takes a record; of each trace closed, or told of: id, reason, whether late, spans and executions."""

    def feed(record: SpanBatch | Tick) -> list[tuple[str, str, bool, int, int]]:
        return [
            (one.trace_id, one.reason, one.late, one.spans, len(one.assembled.executions))
            for one in buffer.take(buffer.position, record)
        ]

    return feed


def test_a_trace_is_complete_when_nothing_came_of_it_for_the_wait(take: Feed, buffer: TraceBuffer) -> None:
    assert take(make_batch(0, 100, ("t", INNER))) == []
    assert take(make_batch(1, 105, ("t", ROOT))) == []
    assert take(make_batch(2, 114, ("u", ROOT))) == []
    assert buffer.low == 0

    assert take(make_batch(3, 115, ("v", ROOT))) == [("t", "complete", False, 2, 1)]
    assert (len(buffer), buffer.spans, buffer.low, buffer.position) == (2, 2, 2, 4)


def test_no_trace_is_closed_before_every_source_was_read_beyond_it(take: Feed) -> None:
    take(make_tick(0, otlp=90, other=90, native=None))
    take(make_batch(0, 100, ("t", ROOT)))
    assert take(make_batch(1, 500, ("u", ROOT))) == []
    take(make_batch(0, 109, ("t", INNER), source=OTHER))
    assert take(make_batch(0, 109, ("t", CALLEE), source=NATIVE)) == []

    assert take(make_batch(1, 119, source=OTHER)) == []
    assert take(make_batch(1, 119, source=NATIVE)) == [("t", "complete", False, 3, 2)]


def test_a_trace_that_does_not_end_is_closed_some_time_after_its_beginning(take: Feed) -> None:
    long = make_chunk(("shop", make_span("a")))
    told = []
    for beat in range(0, 300, 10):
        told += take(make_batch(beat, 1_000 + beat, ("t", long), spans=0))

    told += take(make_batch(300, 1_299, ("t", long), spans=0))
    assert told == [("t", "running", False, 0, 1)]  # the same comes again and again
    assert take(make_tick(0, otlp=1_300)) == [("t", "endless", False, 0, 0)]


def test_a_quiet_time_does_not_make_complete_traces_endless(take: Feed) -> None:
    take(make_batch(0, 100, ("all", ROOT), ("part", INNER)))

    assert take(make_tick(0, otlp=100_000)) == [
        ("all", "complete", False, 1, 1),
        ("part", "incomplete", False, 1, 0),
    ]


def test_a_trace_with_too_many_spans_is_closed_with_the_whole_record(take: Feed, buffer: TraceBuffer) -> None:
    four = make_chunk(*(("shop", make_span(str(number))) for number in range(4)))

    assert take(make_batch(0, 100, ("t", four))) == []
    assert take(make_batch(1, 100, ("t", ROOT), ("u", ROOT), ("t", INNER))) == [("t", "oversized", False, 6, 5)]
    assert take(make_batch(2, 100, ("t", CALLEE))) == []
    assert take(make_tick(0, otlp=110)) == [("u", "complete", False, 1, 1), ("t", "complete", True, 1, 1)]
    assert buffer.bytes == buffer.spans == 0


def test_late_spans_are_told_as_long_as_the_trace_is_remembered(take: Feed, buffer: TraceBuffer) -> None:
    anonymous = make_chunk(("shop", make_span("d", "a", kind=None)))
    take(make_batch(0, 100, ("t", ROOT)))
    assert take(make_tick(0, otlp=110)) == [("t", "complete", False, 1, 1)]
    take(make_batch(1, 150, ("t", anonymous)))
    assert take(make_tick(0, otlp=160)) == []
    take(make_tick(0, otlp=449))
    assert len(buffer.memory.closed) == 1  # it is open again
    assert take(make_tick(0, otlp=450)) == [("t", "incomplete", True, 1, 0)]

    take(make_tick(0, otlp=511))
    assert len(buffer.memory.closed) == 0
    take(make_batch(2, 520, ("t", anonymous)))
    assert take(make_tick(0, otlp=530)) == [("t", "complete", False, 1, 1)]


def test_what_comes_again_of_a_closed_trace_begins_nothing(buffer: TraceBuffer) -> None:
    nested = make_span("d", "a", remote_parent=False)  # a segment, that alone would begin an execution
    whole = make_chunk(("shop", make_span("a")), ("shop", nested))
    buffer.take(0, make_batch(0, 100, ("t", whole)))
    (first,) = buffer.take(1, make_tick(0, otlp=110))
    buffer.take(2, make_batch(1, 120, ("t", make_chunk(("shop", nested)))))
    buffer.take(3, make_batch(2, 121, ("t", CALLEE)))
    (again,) = buffer.take(4, make_tick(0, otlp=131))

    assert [one.span_id for one in first.assembled.executions] == ["a"]
    assert [one.span_id for one in again.assembled.executions] == ["c"]
    assert (again.late, again.assembled.repeated) == (True, 1)

    buffer.take(5, make_batch(3, 180, ("t", CALLEE), ("t", whole)))
    (once_more,) = buffer.take(6, make_tick(0, otlp=191))
    assert (once_more.assembled.executions, once_more.assembled.repeated) == ([], 3)


def test_records_that_came_before_change_nothing(take: Feed, buffer: TraceBuffer) -> None:
    take(make_batch(5, 100, ("t", ROOT)))

    assert take(make_batch(5, 500, ("t", ROOT), ("u", ROOT))) == []
    assert take(make_batch(4, 500, ("t", INNER))) == []
    assert (len(buffer), buffer.spans, buffer.position) == (1, 1, 3)


def test_traces_closed_together_come_in_the_order_of_their_first_records(take: Feed) -> None:
    take(make_batch(0, 100, ("z", ROOT)))
    take(make_batch(1, 101, ("y", ROOT)))
    take(make_tick(0, otlp=105))
    take(make_batch(2, 108, ("z", INNER), ("x", ROOT)))

    assert [closed[0] for closed in take(make_tick(0, otlp=200))] == ["z", "y", "x"]


def test_traces_whose_spans_are_each_others_ancestors_give_their_pieces_back(buffer: TraceBuffer) -> None:
    there = make_chunk(("shop", make_span("a", "b")))
    back = make_chunk(("stock", make_span("b", "a")))
    buffer.take(0, make_batch(0, 100, ("t", there)))
    buffer.take(1, make_batch(1, 100, ("t", back), ("u", ROOT)))

    cyclic, sound = buffer.take(2, make_tick(0, otlp=110))

    assert [span.id for chunk in cyclic.cyclic for _, spans in chunk.spans for span in spans] == ["a", "b"]
    assert (cyclic.assembled.executions, cyclic.spans) == ([], 2)
    assert (len(sound.assembled.executions), len(sound.cyclic)) == (1, 0)


@pytest.mark.parametrize("piece", [b"\x01", b"\xa1x", b"\x91\x91\x01", b"\x92\x90\x91\x80"])
def test_a_piece_that_is_none_is_counted_and_the_others_stay(buffer: TraceBuffer, piece: bytes) -> None:
    record = make_batch(0, 100, ("t", ROOT), ("t", INNER))
    record.traces.insert(1, ("t", 1, msgspec.Raw(piece)))
    buffer.take(0, record)

    (closing,) = buffer.take(1, make_tick(0, otlp=110))

    assert (closing.unreadable, closing.spans, len(closing.assembled.executions)) == (1, 3, 1)


@pytest.mark.parametrize(
    "piece",
    [
        TraceChunk([], [Execution("shop", "GET /", "yesterday", 1.0)]),
        make_chunk(("", make_span("a"))),
        make_chunk(("shop", make_span("a", duration_ms=float("inf")))),
        make_chunk(("shop", make_span("a", duration_ms=float("nan")))),
        make_chunk(("shop", make_span("a", operation="x" * 1001))),
    ],
)
def test_a_trace_of_what_is_no_execution_gives_its_pieces_back(buffer: TraceBuffer, piece: TraceChunk) -> None:
    buffer.take(0, make_batch(0, 100, ("t", piece)))

    (closing,) = buffer.take(1, make_tick(0, otlp=110))

    assert (len(closing.cyclic), closing.assembled.executions, closing.unreadable) == (1, [], 0)


@settings(deadline=None)
def executions_in_order(closings: list[Closing]) -> list[Told]:
    return in_order([execution for closing in closings for execution in closing.assembled.executions])


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_whatever_a_piece_holds_the_trace_is_closed(flaws: list[tuple[int, int]]) -> None:
    called = Segment("GET /", 3.0, "http", span_id="b")
    native = Execution("shop", "job", "2026-01-01T00:00:00Z", 5.0, "t", "n", "a", segments=[called])
    packed = bytearray(msgspec.msgpack.encode(make_chunk(("shop", make_span("a")), executions=[native])))
    for place, change in flaws:
        packed[place % len(packed)] ^= change
    buffer = TraceBuffer(RULES)
    record = make_batch(0, 100, ("t", INNER))
    record.traces.append(("t", 2, msgspec.Raw(bytes(packed))))
    buffer.take(0, record)

    closings = buffer.take(1, make_tick(0, otlp=400))

    assert [closing.spans for closing in closings] == [3]
    assert len(executions_in_order(closings)) <= 3
    assert buffer.bytes == len(buffer) == 0


def test_executions_of_one_record_are_in_order_of_start(buffer: TraceBuffer) -> None:
    starts = {"z": 5.0, "y": 3.0, "x": 5.0}
    chunks = [(trace, make_chunk(("shop", make_span("a", start_ms=start)))) for trace, start in starts.items()]
    buffer.take(0, make_batch(0, 100, *chunks))

    found = executions_in_order(buffer.take(1, make_tick(0, otlp=110)))

    assert [execution.trace_id for execution in found] == ["y", "x", "z"]


def flood(count: int, per_record: int = 10) -> Iterator[SpanBatch]:
    """Records of ``count`` traces of one span each, as they are read."""
    decode = msgspec.msgpack.Decoder(SpanBatch).decode
    piece = pack_chunk(ROOT)
    for sequence in range(count // per_record):
        traces = [(f"{sequence * per_record + number:032x}", 1, piece) for number in range(per_record)]
        yield decode(msgspec.msgpack.encode(SpanBatch(OTLP, sequence, 1_000 + sequence, traces)))


def test_a_flood_of_traces_that_never_complete_takes_no_more_memory_than_is_given_to_it() -> None:
    given, count, closed_entry = 2_000_000, 40_000, 230
    buffer = TraceBuffer(JoinRules(buffer_bytes=given))
    buffer.take(0, make_tick(0, otlp=1, native=None))
    most = 0
    gc.collect()
    tracemalloc.start()
    try:
        for offset, record in enumerate(flood(count), start=1):
            closings = buffer.take(offset, record)
            assert buffer.bytes <= given
            assert all(closing.reason == "memory" for closing in closings)
            assert all(len(closing.assembled.executions) == 1 for closing in closings)
            if offset % 10 == 0:
                most = max(most, tracemalloc.get_traced_memory()[0] - closed_entry * len(buffer.memory.closed))
            assert len(buffer._due) <= 2 * len(buffer) + 1_010
    finally:
        tracemalloc.stop()

    assert most < 1.3 * given
    assert len(buffer.memory.closed) == count - len(buffer)


def test_every_trace_of_a_flood_comes_out_once() -> None:
    buffer = TraceBuffer(JoinRules(buffer_bytes=200_000, patience_ms=10**9))
    buffer.take(0, make_tick(0, otlp=1, native=None))
    closed: Counter[str] = Counter()
    for offset, record in enumerate(flood(200_000), start=1):
        closed.update(closing.trace_id for closing in buffer.take(offset, record))
    assert 0 < len(buffer) < 300

    closed.update(closing.trace_id for closing in buffer.take(99_999, make_tick(0, otlp=10**6, native=10**6)))

    assert closed == Counter(f"{number:032x}" for number in range(200_000))
    assert len(buffer) == buffer.bytes == buffer.spans == 0


def test_repeated_records_and_closed_traces_are_forgotten_though_no_tick_comes() -> None:
    buffer = TraceBuffer(JoinRules(wait_ms=10, memory_ms=10))
    for offset, record in enumerate(flood(60_000)):
        buffer.take(2 * offset, record)
        buffer.take(2 * offset + 1, record)
        assert len(buffer.memory.closed) < 11_000
        assert len(buffer.memory.exceptions) < 1_100


@pytest.mark.parametrize(("traces", "pieces", "spans"), [(5_000, 1, 1), (500, 10, 1), (100, 50, 1), (200, 2, 50)])
def test_the_bytes_that_are_counted_are_about_those_that_are_used(traces: int, pieces: int, spans: int) -> None:
    decode = msgspec.msgpack.Decoder(SpanBatch).decode
    records: list[bytes] = []
    for piece in range(pieces):
        for trace in range(traces):
            chunk = make_chunk(*(("shop", make_span(f"{piece * spans + number:016x}")) for number in range(spans)))
            records.append(msgspec.msgpack.encode(make_batch(len(records), 1_000, (f"{trace:032x}", chunk))))
    buffer = TraceBuffer(JoinRules(buffer_bytes=10**9))
    gc.collect()
    tracemalloc.start()
    try:
        for offset, packed in enumerate(records):
            buffer.take(offset, decode(packed))
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(buffer) == traces
    assert 0.75 < used / buffer.bytes < 1.1


def test_bytes_are_those_of_pieces_and_of_what_is_beside_them(buffer: TraceBuffer) -> None:
    packed: dict[str, TraceChunk] = {"t": ROOT, "u": INNER}
    for offset, (trace, chunk) in enumerate([*packed.items(), ("t", ROOT)]):
        buffer.take(offset, make_batch(offset, 100, (trace, chunk)))

    sizes = [len(msgspec.msgpack.encode(chunk)) for chunk in (ROOT, INNER, ROOT)]
    assert buffer.bytes == 2 * TRACE_BYTES + 3 * CHUNK_BYTES + sum(sizes)


class PlainJoin:
    """The rules as they read: every open trace is judged anew after every record. Nothing is put by."""

    def __init__(self, rules: JoinRules) -> None:
        self.rules = rules
        self.clocks = SourceClocks(rules.patience_ms)
        self.open: dict[str, list[tuple[int, int, int, msgspec.Raw]]] = {}  # offset, clock, spans and piece
        self.closed: dict[str, tuple[int, float]] = {}  # offset and watermark
        self.late: set[str] = set()

    def take(self, offset: int, record: SpanBatch | Tick) -> list[tuple[str, str, bool, int]]:
        touched: dict[str, None] = {}
        if isinstance(record, Tick):
            self.clocks.tick(record)
        else:
            clock_ms = self.clocks.take(record.source, record.sequence, record.clock_ms)
            if clock_ms is not None:
                for trace_id, spans, piece in record.traces:
                    if trace_id not in self.open and trace_id in self.closed:
                        self.late.add(trace_id)
                    self.open.setdefault(trace_id, []).append((offset, clock_ms, spans, piece))
                    touched[trace_id] = None
        gone = [
            self._close(offset, trace_id, "oversized")
            for trace_id in touched
            if sum(spans for _, _, spans, _ in self.open[trace_id]) >= self.rules.max_trace_spans
        ]
        while self._bytes() > self.rules.buffer_bytes:
            gone.append(self._close(offset, next(iter(self.open)), "memory"))
        for trace_id in sorted(self.open, key=lambda trace_id: (self.open[trace_id][0][0], trace_id)):
            reason = self._reason(trace_id)
            if reason is not None:
                gone.append(self._close(offset, trace_id, reason))
        if isinstance(record, Tick):
            self._forget(offset + 1)
        return gone

    def _bytes(self) -> int:
        return sum(
            TRACE_BYTES + sum(CHUNK_BYTES + len(piece) for _, _, _, piece in pieces) for pieces in self.open.values()
        )

    def _reason(self, trace_id: str) -> str | None:
        pieces, rules = self.open[trace_id], self.rules
        last_ms, ends_ms = max(clock_ms for _, clock_ms, _, _ in pieces), pieces[0][1] + rules.max_trace_ms
        is_whole, quiet_ms = not self._orphans(trace_id), last_ms + rules.wait_ms
        if self.clocks.watermark_ms >= quiet_ms and quiet_ms <= ends_ms and is_whole:
            return "complete"
        if self.clocks.watermark_ms < ends_ms:
            return None
        return "incomplete" if quiet_ms <= ends_ms else "endless"

    def _orphans(self, trace_id: str) -> int:
        chunks = []
        for _, _, _, piece in self.open[trace_id]:
            with suppress(ValueError):
                chunks.append(msgspec.msgpack.decode(piece, type=TraceChunk))
        try:
            return assemble(trace_id, chunks, trace_id in self.late).orphans
        except InvalidExecutionError:
            return 0

    def _close(self, offset: int, trace_id: str, reason: str) -> tuple[str, str, bool, int]:
        pieces = self.open.pop(trace_id)
        self.closed.pop(trace_id, None)
        self.closed[trace_id] = (offset, max(self.clocks.watermark_ms, 0))
        is_late = trace_id in self.late
        self.late.discard(trace_id)
        return trace_id, reason, is_late, sum(spans for _, _, spans, _ in pieces)

    def _forget(self, position: int) -> None:
        low = min((pieces[0][0] for pieces in self.open.values()), default=position)
        for trace_id, (offset, closed_ms) in list(self.closed.items()):
            if offset >= low or closed_ms >= self.clocks.watermark_ms - self.rules.memory_ms:
                return
            del self.closed[trace_id]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=10, max_size=70), st.sampled_from(BUFFERS))
def test_traces_are_closed_when_and_as_the_rules_say(numbers: list[int], buffer_bytes: int) -> None:
    rules = replace(rules_of(buffer_bytes), incomplete_wait_ms=rules_of(buffer_bytes).max_trace_ms)
    buffer, plain = TraceBuffer(rules), PlainJoin(rules)
    for offset, value in written(numbers).log:
        try:
            record = msgspec.msgpack.decode(value or b"", type=SpanBatch | Tick)
        except ValueError:
            buffer.pass_over(offset)
            continue
        closed = [
            (one.trace_id, one.reason, one.late, one.spans)
            for one in buffer.take(offset, record)
            if one.reason != "running"
        ]

        assert closed == plain.take(offset, record)
        assert len(buffer) == len(plain.open)
