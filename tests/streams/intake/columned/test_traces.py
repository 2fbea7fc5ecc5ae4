"""Traces joined in columns, next to what is made of the same as objects: any order, damaged, twice, restarted."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.intake.conftest import MS, START_NS
from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.join_checkpoint import JoinCheckpoint
from tracehound.schemas.spans import Message, Resource, Span, SpanBatch, Tick, TraceChunk
from tracehound.streams.intake.closing import encoded
from tracehound.streams.intake.columned import shapes, traces
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.partition_join import Joined, PartitionJoin

RULES = JoinRules(wait_ms=100, incomplete_wait_ms=300, max_trace_ms=2_000, memory_ms=1_000)
INTERVAL_MS = 400
LIMITS = Limits()
PLACES = (("zone", "eu-1"), ("cluster", 'a "b"'))
RESOURCES = (
    Resource("shop", "live", "1.2", "h1"),
    Resource("shop", "live", "1.3", "h2", PLACES),
    Resource("stock"),
    Resource("käse-\u2028", "test", places=PLACES),
)
SEGMENTS = (None, "http", "rpc", "db", "cache", "code", "view")
NAMES = ("GET /cart/{id}", "GET /cart/17", "SELECT a", "redis GET", "render page", "tcp.connect", 'odd "name"\n', "ü/é")
PEERS = (None, None, "stock", "10.0.0.1", "db.internal")
ERRORS = (None, ExecutionFailure("ValueError", 'no "x"'), ExecutionFailure("", "lost"), ExecutionFailure("TIMEOUT"))

_encode = msgspec.msgpack.Encoder().encode


def span_of(random: Random, own_id: int, parents: Sequence[int], seldom: float) -> tuple[Resource, Span]:
    """Any span of a trace; with a chance of ``seldom`` it is one that columns are not for."""
    unit = random.choice((1, 1_000, MS))  # of clocks
    start_ns = START_NS + random.randrange(1, 40 * MS) // unit * unit
    odd = random.random() < seldom
    failed = random.choice((None, None, 0, 1))
    span = Span(
        "",
        random.choice(NAMES),
        -1,
        None,
        (random.randrange(2_000, 60 * MS) // unit * unit or unit) / 1e3,
        None,
        random.choice((None, "grpc", "redis")),
        random.choice(PEERS),
        failed,
        f"{own_id:016x}",
        f"{random.choice(parents):016x}" if parents else "",
        start_ns,
        random.choice((None, "internal", "server", "client", "client")),
        random.choice(SEGMENTS),  # type: ignore[arg-type]
        random.choice((None, None, True, False)),
        random.choice(ERRORS) if failed else None,
        random.choice((None, 200, 503, "OK")),
    )
    if odd:
        change = random.randrange(8)
        if change == 0:
            span.kind, span.message = "consumer", Message("kafka orders")
        elif change == 1:
            span.duration_us = random.choice((0.0, 0.5, 1.0))
        elif change == 2:
            span.parent_id = span.id
        elif change == 3:
            span.parent_id = f"{random.randrange(1, 2**64):016x}"
        elif change == 4:
            span.adjusted_count = 8.0
        elif change == 5:
            span.start_ns = random.choice((5, 2**63 - 1, START_NS))
        elif change == 6:
            span.id = random.choice(("7", "7-server", "X" * 16, f"{1:016x}"))
        else:
            span.operation, span.segment = "kafka send", "queue"
    return random.choice(RESOURCES), span


def spans_of(random: Random, seldom: float) -> list[tuple[Resource, Span]]:
    """A trace in which most spans lie below another, now and then in a circle or twice."""
    ids = [random.randrange(1, 2**64) for _ in range(random.choice((1, 2, 4, 9, 14)))]
    found = [span_of(random, one, ids[:place], seldom) for place, one in enumerate(ids)]
    if random.random() < seldom:
        found[0][1].parent_id = found[-1][1].id
    if random.random() < seldom:
        found.append((found[0][0], msgspec.structs.replace(found[-1][1])))
    random.shuffle(found)
    return found


def chunk_of(spans: Sequence[tuple[Resource, Span]]) -> TraceChunk:
    by_resource: dict[Resource, list[Span]] = {}
    for resource, span in spans:
        by_resource.setdefault(resource, []).append(span)
    return TraceChunk(list(by_resource.items()))


def log_of(seed: int, seldom: float, damaged: float = 0.0) -> list[bytes]:
    """Records of one source: the pieces of traces between each other, some of them late, with a tick now and then."""
    random = Random(seed)
    waiting: list[tuple[int, str, TraceChunk]] = []
    for number in range(random.randrange(1, 12)):
        spans = spans_of(random, seldom)
        cut = random.randrange(len(spans) + 1)
        at_ms = random.randrange(600)
        for part in filter(None, (spans[:cut], spans[cut:])):
            late_ms = random.choice((0, 5, 50, 300 if seldom else 0))
            waiting.append((at_ms + late_ms, f"{number:032x}" if number else 'trace "0"', chunk_of(part)))
    waiting.sort(key=lambda one: one[0])
    log: list[bytes] = [_encode(Tick(0, [("otlp_spans", 0, None)]))]
    while waiting:
        count = random.randrange(1, 6)
        some, waiting = waiting[:count], waiting[count:]
        packed = [
            (trace, len(chunk), msgspec.Raw(_damaged(random, _encode(chunk), damaged))) for _, trace, chunk in some
        ]
        log.append(_encode(SpanBatch(("otlp_spans", 0), len(log), 1_000 + some[-1][0], packed)))
        if random.random() < 0.2:
            log.append(_encode(Tick(1_000 + some[-1][0], [("otlp_spans", 0, 1_000 + some[-1][0])])))
    ends_ms = (1_700, 2_400, 9_000)
    return [*log, *(_encode(Tick(end_ms, [("otlp_spans", 0, end_ms)])) for end_ms in ends_ms)]


def _damaged(random: Random, piece: bytes, chance: float) -> bytes:
    if random.random() >= chance:
        return piece
    changed = bytearray(piece)
    for _ in range(random.choice((1, 1, 3))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[: random.choice((len(changed), len(changed), random.randrange(len(changed) + 1)))])


@dataclass
class Seen:
    """All that comes of a log, and what was kept after each record."""

    led_to: list[Any]
    kept: list[JoinCheckpoint]
    in_columns: int


def seen(log: Sequence[bytes], limits: Limits | None, kept: JoinCheckpoint | None = None) -> Seen:
    join = PartitionJoin(0, RULES, INTERVAL_MS, kept, limits=limits)
    found = Seen([], [], 0)
    for offset, value in enumerate(log):
        try:
            joined = join.take(offset, value)
        except ValueError as error:
            found.led_to.append(str(error))
            continue
        if joined is not None:
            found.led_to.append(shown(joined))
            found.in_columns += sum(closing.column >= 0 for closing in joined.closings)
        checkpoint = join.checkpoint()
        if checkpoint is not None:
            found.kept.append(checkpoint)
    return found


def shown(joined: Joined) -> Any:
    closings = [
        (
            *(one.trace_id, one.reason, one.late, one.spans, one.marks, one.clipped, one.unreadable, one.outlasting),
            *(len(one.assembled.executions) + one.written, one.assembled.repeated, one.assembled.orphans),
        )
        for one in joined.closings
    ]
    return closings, [(each.application, encoded(each)) for each in joined.executions], joined.graphs


def assert_same(log: Sequence[bytes], limits: Limits = LIMITS) -> int:
    """Columns lead to what objects do; returns how many traces were joined in columns."""
    found, oracle = seen(log, limits), seen(log, None)
    assert found.led_to == oracle.led_to
    assert found.kept == oracle.kept
    return found.in_columns


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.03, 0.3)))
def test_columns_lead_to_what_objects_do(seed: int, seldom: float) -> None:
    assert_same(log_of(seed, seldom))


def test_traces_in_which_nothing_is_seldom_are_joined_in_columns() -> None:
    assert sum(assert_same(log_of(seed, 0.0)) for seed in range(30)) > 60


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_damaged_pieces_lead_to_what_they_lead_to_as_objects(seed: int) -> None:
    assert_same(log_of(seed, 0.05, damaged=0.3))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_a_join_that_goes_on_from_a_checkpoint_leads_to_the_same(seed: int, random: Random) -> None:
    log = log_of(seed, 0.03)
    whole = seen(log, LIMITS)
    number = random.randrange(len(log))
    kept = msgspec.msgpack.decode(_encode(whole.kept[number]), type=JoinCheckpoint)
    join = PartitionJoin(0, RULES, INTERVAL_MS, kept, limits=LIMITS)
    led_to = [join.take(offset, log[offset]) for offset in range(kept.low, len(log))]
    assert [shown(one) for one in led_to if one is not None] == whole.led_to[number + 1 :]
    assert join.checkpoint() == whole.kept[-1]


def test_what_workers_would_not_take_is_cut_as_it_is_of_objects() -> None:
    few = Limits(max_segments=3, max_event_bytes=900)
    emitters = [Emitter("spans", "executions", 3, few) for _ in range(2)]
    for seed in range(20):
        log = log_of(seed, 0.0)
        joins = [PartitionJoin(0, RULES, INTERVAL_MS, limits=limits) for limits in (few, None)]
        for offset, value in enumerate(log):
            found, oracle = (
                emitter.records(0, offset, joined.executions) if joined is not None else []
                for emitter, joined in zip(emitters, [join.take(offset, value) for join in joins], strict=True)
            )
            assert found == oracle


@pytest.mark.parametrize(
    ("module", "name", "least"),
    [(shapes, "MOST", 3), (traces, "_MOST_CREDIT", 2), (traces, "_LEAST_BYTES", 10), (traces, "_LEAST_SPANS", 1)],
)
def test_bounds_change_how_much_is_in_columns_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, least: int
) -> None:
    monkeypatch.setattr(module, name, least)
    for seed in range(15):
        assert_same(log_of(seed, 0.02))


def test_long_traces_and_those_that_begin_together_lead_to_the_same() -> None:
    random = Random(3)
    for count in (2, 30, 499, 501):
        spans = []
        for number in range(1, count + 1):
            resource, span = span_of(random, number, range(max(1, number - 20), number), 0.0)
            span.start_ns, span.is_error, span.error = START_NS + number // 5 * MS, None, None
            spans.append((resource, span))
        piece = msgspec.Raw(_encode(chunk_of(spans)))
        log = [_encode(SpanBatch(("otlp_spans", 0), 0, 1_000, [("a" * 32, count, piece)]))]
        assert assert_same([*log, _encode(Tick(9_000, [("otlp_spans", 0, 9_000)]))]) == (count <= 500)


def test_an_address_that_leads_to_one_service_then_to_another_is_named_as_it_was_at_the_time() -> None:
    resources = {name: Resource(name) for name in ("shop", "stock", "cart")}
    log: list[bytes] = []
    for number, callee in enumerate(("", "stock", "", "cart", "", "stock")):
        call = span_of(Random(1), 2, [1], 0.0)[1]
        call.kind, call.segment, call.peer, call.is_error, call.error = "client", "http", "10.0.0.1", None, None
        spans = [(resources["shop"], span_of(Random(1), 1, [], 0.0)[1]), (resources["shop"], call)]
        if callee:
            spans.append((resources[callee], span_of(Random(2), 3, [2], 0.0)[1]))
        piece = msgspec.Raw(_encode(chunk_of(spans)))
        log.append(_encode(SpanBatch(("otlp_spans", 0), number, 1_000 + 200 * number, [(f"{number:032x}", 3, piece)])))
    log.append(_encode(Tick(9_000, [("otlp_spans", 0, 9_000)])))
    assert assert_same(log) == 6
    told = [each for _, executions, _ in seen(log, LIMITS).led_to for each in executions if each[0] == "shop"]
    peers = [msgspec.json.decode(each)["segments"][0]["peer"] for _, each in told]
    assert peers == ["10.0.0.1", "stock", "stock", "cart", "10.0.0.1", "stock"]
