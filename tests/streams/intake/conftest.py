"""What tests of the join share: makers of spans, pieces of traces, records and ticks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import msgspec

from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import Message, Resource, SourceName, Span, SpanBatch, SpanKind, Tick, TraceChunk
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.sent_messages import told_of

OTLP: SourceName = ("otlp_spans", 0)
OTHER: SourceName = ("otlp_spans", 1)
NATIVE: SourceName = ("tracehound.traces.v1", 0)
START_NS = 1_767_225_600_000_000_000
MS = 1_000_000


def make_span(
    own_id: str,
    parent_id: str = "",
    start_ms: float = 0.0,
    duration_ms: float = 10.0,
    kind: SpanKind | None = "server",
    operation: str = "",
    **fields: Any,
) -> Span:
    """A span as the decoder leaves it; ``start_ms`` counts from ``START_NS``."""
    return Span(
        "",
        operation or f"GET /{own_id}",
        -1,
        None,
        duration_ms * 1e3,
        id=own_id,
        parent_id=parent_id,
        start_ns=START_NS + int(start_ms * MS),
        kind=kind,
        **fields,
    )


def make_chunk(*spans: tuple[str, Span], executions: Sequence[Any] = ()) -> TraceChunk:
    """A piece of a trace with spans of services."""
    by_service: dict[str, list[Span]] = {}
    for service, span in spans:
        by_service.setdefault(service, []).append(span)
    return TraceChunk([(Resource(service), found) for service, found in by_service.items()], list(executions))


def pack_chunk(chunk: TraceChunk) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(chunk))


def make_batch(
    sequence: int, clock_ms: int, *traces: tuple[str, TraceChunk], source: SourceName = OTLP, spans: int | None = None
) -> SpanBatch:
    """A record of the spans topic; ``spans`` instead of how many each trace has."""
    counted = [(trace_id, len(chunk) if spans is None else spans, pack_chunk(chunk)) for trace_id, chunk in traces]
    return SpanBatch(source, sequence, clock_ms, counted)


def make_tick(sent_ms: int, **clocks: int | None) -> Tick:
    """A tick; ``clocks`` by the last word of the source: ``otlp``, ``other``, ``native``."""
    names = {"otlp": OTLP, "other": OTHER, "native": NATIVE}
    return Tick(sent_ms, [(*names[name], clock_ms) for name, clock_ms in clocks.items()])


RULES = JoinRules(
    wait_ms=10,
    incomplete_wait_ms=30,
    max_trace_ms=60,
    max_trace_spans=9,
    buffer_bytes=1_000_000,
    long_bytes=3_000,
    memory_ms=20,
    patience_ms=50,
)
SOURCES = (OTLP, OTHER, NATIVE)
Log = list[tuple[int, bytes | None]]

_encode = msgspec.msgpack.Encoder().encode


def rules_of(buffer_bytes: int) -> JoinRules:
    return replace(RULES, buffer_bytes=buffer_bytes)


BUFFERS = [1_000, 3_000, 6_000, 1_000_000]


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
                told_of(
                    f"trace {random.randrange(6)}",
                    make_chunk(("shop", make_span(str(random.randrange(8)), kind="producer"))),
                ),
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
            random.choice(
                [
                    None,
                    b"",
                    b"\xc1",
                    b"{}",
                    b"\x93\xa4tick\x01\x91\x93\xa1\xff\x00\x00",
                    _encode(("spans", ("a", 0), "x")),
                    _encode(["other", 1]),
                ]
            )
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
                    kind=random.choice(["server", "client", "internal", None, "consumer"]),
                    is_error=number % 2,
                    message=Message("kafka orders", links=((f"trace {random.randrange(6)}", str(number)),)),
                    peer=random.choice([None, "address"]),
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
