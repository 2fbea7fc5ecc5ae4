"""What is sent when, and in which operations something is planted."""

import msgspec
import pytest

from tracehound.schemas.execution import Execution
from tracehound.scripts.benchmarks.latency.workload import (
    LEARNED_LEAST,
    PLANTED_MS,
    Load,
    Spread,
    share_out,
    targets_of,
    timed_records,
)

SPREAD = Spread(applications=3, operations=2)
TARGETS = (("application-0000", "GET /operation/a0"), ("application-0002", "GET /operation/b0"))
LOAD = Load("planted-1", SPREAD, 100.0, 0.5, 0.25, TARGETS)


def test_normal_executions_come_at_the_rate_and_each_target_in_its_own_time() -> None:
    records = timed_records(LOAD, 1_000.0)

    assert LOAD.seconds == 1.0
    normal = [record for record in records if not record.planted]
    assert [record.at_s for record in normal] == [number / 100.0 for number in range(100)]
    planted = [record for record in records if record.planted]
    assert [record.planted for record in planted] == ["planted-1-0", "planted-1-1"]
    assert 0.5 <= planted[0].at_s < 0.75 <= planted[1].at_s < 1.0
    assert records == sorted(records, key=lambda record: record.at_s)


def test_planted_executions_take_hours_in_their_operation_and_event_time_follows_the_clock() -> None:
    records = timed_records(LOAD, 1_000.0)
    decoded = {record: msgspec.json.decode(record.value, type=Execution) for record in records}

    assert all(one.started_at == pytest.approx(1_000.0 + record.at_s, abs=1e-5) for record, one in decoded.items())
    planted = [one for record, one in decoded.items() if record.planted]
    assert [(one.application, one.operation) for one in planted] == list(TARGETS)
    assert {one.duration_ms for one in planted} == {PLANTED_MS}
    assert [one.trace_id for one in planted] == ["planted-1-0", "planted-1-1"]
    assert all(record.key == one.application.encode() for record, one in decoded.items())


def test_only_operations_with_enough_executions_are_targets() -> None:
    known = [Execution("shop", "GET /", 0.0, 1.0)] * LEARNED_LEAST
    rare = [Execution("shop", "GET /rare", 0.0, 1.0)] * (LEARNED_LEAST - 1)

    assert targets_of(known + rare) == [("shop", "GET /")]


def test_no_target_is_planted_in_twice() -> None:
    targets = [("shop", f"GET /{number}") for number in range(10)]

    shares = share_out(targets, rounds=3, most=100)

    assert [len(share) for share in shares] == [3, 3, 3]
    assert len({target for share in shares for target in share}) == 9
    with pytest.raises(ValueError, match="Each of 11 rounds needs an operation to plant in"):
        share_out(targets, rounds=11, most=100)
