from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.execution import Execution, Segment
from schemas.join_checkpoint import JoinCheckpoint, pack_checkpoint, unpack_checkpoint
from schemas.spans import SourceName, Span, SpanBatch, Tick, TraceChunk
from streams.intake.partition_join import Joined, PartitionJoin
from streams.intake.trace_buffer import CLOSE_REASONS, JoinRules
from tests.streams.intake.conftest import NATIVE, OTHER, OTLP, make_batch, make_chunk, make_span, make_tick

RULES = JoinRules(
    wait_ms=10,
    incomplete_wait_ms=30,
    max_trace_ms=60,
    max_trace_spans=9,
    buffer_bytes=1_000_000,
    memory_ms=20,
    patience_ms=50,
)
CALL_INTERVAL_MS = 20
SOURCES = (OTLP, OTHER, NATIVE)

_encode = msgspec.msgpack.Encoder().encode
Log = list[tuple[int, bytes | None]]


class LogWriter:
    """Writes what several readers of several sources might, badly: each number is one turn of events."""

    def __init__(self) -> None:
        self.log: Log = []
        self.taken_spans = 0
        self._clock_ms = dict.fromkeys(SOURCES, 1000)
        self._sent: dict[SourceName, list[SpanBatch]] = {source: [] for source in SOURCES}
        self._taken = dict.fromkeys(SOURCES, -1)
        self._now_ms = 1_000
        self._offset = 0

    def turn(self, number: int) -> None:
        random = Random(number)
        turns: list[tuple[Callable[[Random], None], int]] = [
            (self._batch, 12),
            (self._tick, 5),
            (self._again, 3),
            (self._new_owner, 1),
            (self._silence, 1),
            (self._garbage, 1),
        ]
        ((turn,),) = [random.choices([turn for turn, _ in turns], [weight for _, weight in turns])]
        turn(random)

    def _write(self, record: SpanBatch | Tick | bytes | None) -> None:
        if isinstance(record, SpanBatch) and record.sequence > self._taken[record.source]:
            self._taken[record.source] = record.sequence
            self.taken_spans += sum(spans for _, spans, _ in record.traces)
        self.log.append((self._offset, record if isinstance(record, bytes | None) else _encode(record)))
        self._offset += 1 + (len(self.log) % 7 == 0)  # (a transaction's end takes an offset, too)

    def _batch(self, random: Random) -> None:
        source = random.choice(SOURCES)
        self._clock_ms[source] += random.choice([0, 0, 1, 3, 8, 25])
        said_ms = self._clock_ms[source] - random.choice([0, 0, 0, 0, 15])  # a clock that goes back
        traces = [(f"trace {random.randrange(6)}", chunk(random)) for _ in range(random.choice([1, 1, 2, 4]))]
        record = make_batch(len(self._sent[source]) * 2, said_ms, *traces, source=source)
        if random.random() < 0.03:
            record.traces.append((f"trace {random.randrange(6)}", 1, msgspec.Raw(_encode("no piece"))))
        self._sent[source].append(record)
        self._write(record)

    def _tick(self, random: Random) -> None:
        self._now_ms = max(self._now_ms, *self._clock_ms.values()) + random.choice([0, 1, 5, 20])
        behind = random.choice([0, 0, 10])
        told = [source for source in SOURCES if random.random() < 0.8]
        self._write(
            Tick(
                self._now_ms - random.choice([0, 0, 7]),
                [(*source, self._clock_ms[source] - behind if random.random() < 0.7 else None) for source in told],
            )
        )

    def _again(self, random: Random) -> None:
        sent = self._sent[random.choice(SOURCES)]
        if sent:
            self._write(random.choice(sent[-4:]))

    def _new_owner(self, random: Random) -> None:
        """Someone else reads a source from its last committed offset; the clock begins anew."""
        source = random.choice(SOURCES)
        for record in self._sent[source][-random.randrange(1, 5) :]:
            behind_ms = random.choice([0, 2, 30])
            self._write(SpanBatch(source, record.sequence, record.clock_ms - behind_ms, record.traces))

    def _silence(self, random: Random) -> None:
        """All sources but one stop; or nobody is there for long."""
        for _ in range(random.choice([1, 4])):
            self._now_ms += random.choice([30, 70])
            self._clock_ms[OTLP] += 20
            self._write(make_tick(self._now_ms, otlp=self._clock_ms[OTLP], other=None))

    def _garbage(self, random: Random) -> None:
        self._write(
            random.choice([None, b"", b"\xc1", b"{}", _encode(("spans", ("a", 0), "x")), _encode(["other", 1])])
        )


def chunk(random: Random) -> TraceChunk:
    """Any piece of a trace of eight spans: whole, without a beginning, twice, or each other's ancestors."""
    if random.random() < 0.15:
        return TraceChunk([], [native(random)])
    spans: list[tuple[str, Span]] = []
    for _ in range(random.choice([1, 1, 2, 3])):
        number = random.randrange(8)
        parent = number // 2 if random.random() < 0.93 else random.randrange(8)
        spans.append(
            (
                "abc"[number % 3],
                make_span(
                    str(number),
                    str(parent) if number else "",
                    start_ms=number * 0.3,
                    duration_ms=10.1 - number,
                    kind=random.choice(["server", "client", "internal", None]),
                    is_error=number % 2,
                ),
            )
        )
    return make_chunk(*spans)


def native(random: Random) -> Execution:
    number = random.randrange(8)
    called = Segment("GET /", 3.3, "http", span_id=str(random.randrange(8)))
    return Execution(
        random.choice("ad"), "job", 1_767_225_600 + number / 7, 5.7, "", f"n{number}", str(number), segments=[called]
    )


def written(numbers: Sequence[int]) -> LogWriter:
    writer = LogWriter()
    for number in numbers:
        writer.turn(number)
    return writer


def shown(joined: Joined | None) -> bytes:
    """All that a record led to."""
    if joined is None:
        return b"before"
    closings = [
        (one.trace_id, one.reason, one.late, one.spans, one.assembled.orphans, one.cyclic, one.unreadable)
        for one in joined.closings
    ]
    return _encode((closings, joined.executions, joined.graphs))


def fed(join: PartitionJoin, log: Log) -> dict[int, bytes]:
    """What each record led to; nothing for those from before."""
    led_to: dict[int, bytes] = {}
    for offset, value in log:
        is_new = offset >= join.next and offset >= join.buffer.position
        try:
            joined = join.take(offset, value)
        except ValueError as error:
            assert is_new
            led_to[offset] = str(error).encode()
            continue
        assert (joined is None) is not is_new
        if joined is not None:
            led_to[offset] = shown(joined)
    return led_to


@dataclass
class Uninterrupted:
    """What came of a log, and what was kept after each of its records."""

    join: PartitionJoin
    led_to: dict[int, bytes]
    kept: list[list[bytes]]

    @classmethod
    def of(cls, log: Log, rules: JoinRules) -> "Uninterrupted":
        join = PartitionJoin(3, rules, CALL_INTERVAL_MS)
        led_to: dict[int, bytes] = {}
        kept = [packed(join)]
        for entry in log:
            led_to |= fed(join, [entry])
            kept.append(packed(join))
        return cls(join, led_to, kept)


def packed(join: PartitionJoin) -> list[bytes]:
    checkpoint = join.checkpoint()
    assert checkpoint is not None
    return pack_checkpoint(3, checkpoint)


def unpacked(kept: list[bytes]) -> JoinCheckpoint:
    checkpoint, problems = unpack_checkpoint(3, kept)
    assert checkpoint is not None
    assert problems == []
    return checkpoint


def rules_of(buffer_bytes: int) -> JoinRules:
    rules = {name: getattr(RULES, name) for name in JoinRules.__dataclass_fields__}
    return JoinRules(**{**rules, "buffer_bytes": buffer_bytes})


BUFFERS = [1_000, 3_000, 6_000, 1_000_000]
LOGS = st.lists(st.integers(0, 2**32 - 1), min_size=10, max_size=70)


@settings(max_examples=600, deadline=None)
@given(LOGS, st.sampled_from(BUFFERS), st.randoms(use_true_random=False))
def test_a_join_that_goes_on_from_a_checkpoint_emits_what_an_uninterrupted_one_does(
    numbers: list[int], buffer_bytes: int, random: Random
) -> None:
    log, rules = written(numbers).log, rules_of(buffer_bytes)
    whole = Uninterrupted.of(log, rules)
    for _ in range(4):
        crash = random.randint(0, len(log))
        checkpoint = unpacked(whole.kept[crash])
        first_needed = sum(offset < checkpoint.low for offset, _ in log)
        begin = random.randint(0, first_needed)
        read: Log = []
        for index in range(begin, len(log)):
            read.append(log[index])
            if random.random() < 0.1:  # someone reads again what was read
                read += log[max(begin, index - random.randint(0, 8)) : index + 1]

        join = PartitionJoin(3, rules, CALL_INTERVAL_MS, checkpoint)
        led_to = fed(join, read)

        assert led_to == {offset: one for offset, one in whole.led_to.items() if offset >= checkpoint.position}
        if join.next >= checkpoint.position:
            assert unpacked(packed(join)) == unpacked(whole.kept[-1])
            assert (join.buffer.bytes, join.buffer.spans) == (whole.join.buffer.bytes, whole.join.buffer.spans)


@settings(max_examples=150, deadline=None)
@given(LOGS, st.sampled_from(BUFFERS), st.randoms(use_true_random=False))
def test_crashes_after_crashes_change_nothing(numbers: list[int], buffer_bytes: int, random: Random) -> None:
    log, rules = written(numbers).log, rules_of(buffer_bytes)
    whole = Uninterrupted.of(log, rules)
    led_to: dict[int, bytes] = {}
    kept, done = whole.kept[0], 0
    while done < len(log):
        crash = random.randint(done, min(len(log), done + 15))
        checkpoint = unpacked(kept)
        join = PartitionJoin(3, rules, CALL_INTERVAL_MS, checkpoint)
        for entry in log[:crash]:
            again = fed(join, [entry])
            assert all(led_to.get(offset, one) == one for offset, one in again.items())
            led_to |= again
            if join.checkpoint() is not None and random.random() < 0.3:
                kept = packed(join)
        done = max(crash, done + 1)
    join = PartitionJoin(3, rules, CALL_INTERVAL_MS, unpacked(kept))
    led_to |= fed(join, log)

    assert led_to == whole.led_to
    assert unpacked(packed(join)) == unpacked(whole.kept[-1])


@settings(max_examples=200, deadline=None)
@given(LOGS, st.sampled_from(BUFFERS))
def test_every_span_that_was_taken_is_of_one_trace_closed_or_open(numbers: list[int], buffer_bytes: int) -> None:
    writer = written(numbers)
    join = PartitionJoin(3, rules_of(buffer_bytes), CALL_INTERVAL_MS)
    closed = 0
    for offset, value in writer.log:
        try:
            joined = join.take(offset, value)
        except ValueError:
            continue
        assert joined is not None
        closed += sum(closing.spans for closing in joined.closings)
        assert join.buffer.bytes <= buffer_bytes

    assert closed + join.buffer.spans == writer.taken_spans


COLUMNS: dict[str, Callable[[JoinCheckpoint], dict[str, Any]]] = {
    "exceptions": lambda _: {"exceptions": []},
    "late": lambda _: {"late": []},
    "closed": lambda _: dict.fromkeys(["closed", "closed_offsets", "closed_watermarks_ms"], b""),
    "sources": lambda _: {"sources": []},
    "now_ms": lambda _: {"now_ms": 0},
    "watermark_ms": lambda _: {"watermark_ms": None},
    "low": lambda checkpoint: {"low": checkpoint.position},
    "calls": lambda _: {"calls": []},
    "calls_told_ms": lambda _: {"calls_told_ms": 0},
}


@pytest.mark.parametrize("column", COLUMNS)
def test_without_any_one_column_of_the_checkpoint_the_join_would_go_astray(column: str) -> None:
    """Also shows that the logs reach what each column is for."""
    for seed in range(300):
        random = Random(seed)
        rules = rules_of(random.choice(BUFFERS))
        log = written([random.randrange(2**32) for _ in range(60)]).log
        whole = Uninterrupted.of(log, rules)
        checkpoint = unpacked(whole.kept[random.randint(0, len(log))])
        broken = msgspec.structs.replace(checkpoint, **COLUMNS[column](checkpoint))
        led_to = fed(PartitionJoin(3, rules, CALL_INTERVAL_MS, broken), log)
        if led_to != {offset: one for offset, one in whole.led_to.items() if offset >= checkpoint.position}:
            return
    pytest.fail(f"The column {column!r} made no difference.")


def test_the_logs_hold_all_that_can_happen() -> None:
    reasons: set[str] = set()
    happened: set[str] = set()
    for seed in range(40):
        random = Random(seed)
        log = written([random.randrange(2**32) for _ in range(60)]).log
        join = PartitionJoin(3, rules_of(BUFFERS[seed % len(BUFFERS)]), CALL_INTERVAL_MS)
        for offset, value in log:
            try:
                joined = join.take(offset, value)
            except ValueError:
                happened.add("garbage")
                continue
            assert joined is not None
            happened |= {"graphs"} if joined.graphs else set()
            for closing in joined.closings:
                reasons.add(closing.reason)
                happened |= {"late"} if closing.late else set()
                happened |= {"cyclic"} if closing.cyclic else set()
                happened |= {"unreadable"} if closing.unreadable else set()
                happened |= {"orphans"} if closing.assembled.orphans else set()
                happened |= {"linked"} if len(closing.assembled.executions) > 1 else set()

    assert reasons == set(CLOSE_REASONS)
    assert happened == {"garbage", "graphs", "late", "cyclic", "unreadable", "orphans", "linked"}
