"""Metrics of intake: what is counted of closed traces."""

from prometheus_client import CollectorRegistry

from tracehound.schemas.execution import Execution, Segment
from tracehound.streams.intake.assembly.assemble import Assembled
from tracehound.streams.intake.assembly.queues import Waits
from tracehound.streams.intake.closing import Closing
from tracehound.streams.intake.join_rules import CloseReason
from tracehound.streams.intake.metrics import IntakeMetrics


def test_calls_that_end_before_their_callee_are_counted() -> None:
    registry = CollectorRegistry()
    segments = [Segment("GET", 5.0, "http", remote_ms=remote_ms) for remote_ms in (None, 4.0, 5.0)]
    one = Closing("t", "complete", False, 1, Assembled([Execution("shop", "GET /", 0.0, 9.0, segments=segments)], 0))

    IntakeMetrics(registry).count_closings([one, one])

    assert registry.get_sample_value("tracehound_clipped_calls_total") == 2.0


def closing(reason: CloseReason, executions: int, orphans: int = 0, late: bool = False) -> Closing:
    found = [Execution("shop", "GET /", float(number), 1.0) for number in range(executions)]
    return Closing("t", reason, late, 10 * executions, Assembled(found, orphans))


def test_closed_traces_are_counted_by_reason_with_their_executions_late_spans_and_orphans() -> None:
    metrics = IntakeMetrics(CollectorRegistry())
    metrics.count_closings([closing("complete", 2), closing("incomplete", 1, 3), closing("complete", 4, late=True)])
    metrics.count_closings([closing("memory", 1, 1)])
    metrics.count_closings([])

    value = metrics.registry.get_sample_value
    reasons = ("complete", "incomplete", "memory", "oversized")
    assert [value("tracehound_traces_closed_total", {"reason": reason}) for reason in reasons] == [2, 1, 1, 0]
    assert value("tracehound_joined_executions_total") == 8
    assert value("tracehound_late_spans_total") == 40
    assert value("tracehound_orphan_spans_total") == 4


def test_messages_are_counted_by_what_is_known_of_their_time_in_the_queue() -> None:
    metrics = IntakeMetrics(CollectorRegistry())
    found = closing("complete", 1)
    found.assembled.waits = Waits(measured=5, clipped=2)
    metrics.count_closings([found, found])

    values = [
        metrics.registry.get_sample_value("tracehound_queue_waits_total", {"known": known})
        for known in ("measured", "clipped", "unknown")
    ]
    assert values == [10, 4, None]
