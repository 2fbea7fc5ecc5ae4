"""A join that 0.1.0 wrote to Kafka, and what it had read: gone on with, each trace comes out whole, and once."""

from pathlib import Path
from typing import Any

import msgspec

from tests.streams.intake.conftest import RULES, make_batch, make_chunk, make_span, make_tick
from tracehound.schemas.join_checkpoint import unpack_checkpoint
from tracehound.streams.intake.partition_join import PartitionJoin

STORED = Path(__file__).parent / "stored"
CALL_INTERVAL_MS = 20
HALF = "b" * 32
"""The trace of which the callee's span alone had come."""

_encode = msgspec.msgpack.Encoder().encode


def test_half_a_trace_is_joined_with_what_comes_and_one_that_was_told_is_not_told_again() -> None:
    checkpoint, problems = unpack_checkpoint(3, [(STORED / "join.state").read_bytes()])
    assert checkpoint is not None
    assert (checkpoint.position, checkpoint.low, problems) == (4, 2, [])
    read = msgspec.msgpack.decode((STORED / "join.log").read_bytes(), type=list[tuple[int, bytes]])
    caller = make_span("b1", "", 50.0, 100.0, "server", "GET /cart")
    call = make_span("b2", "b1", 60.0, 60.0, "client", "GET stock")
    comes = [make_batch(4, 1_212, (HALF, make_chunk(("shop", caller), ("shop", call)))), make_tick(1_400, otlp=1_400)]

    join = PartitionJoin(3, RULES, CALL_INTERVAL_MS, checkpoint)
    executions: list[Any] = []
    for offset, value in [*read, *enumerate(map(_encode, comes), len(read))]:
        joined = join.take(offset, value)
        executions += [] if joined is None else joined.executions

    assert [(one.application, one.trace_id, one.duration_ms) for one in executions] == [
        ("shop", HALF, 100.0),
        ("stock", HALF, 40.0),
    ]
    [segment] = executions[0].segments
    assert (segment.peer, segment.duration_ms, segment.remote_ms) == ("stock", 60.0, 40.0)
