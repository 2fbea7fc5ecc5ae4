"""Simulated messages: who takes them, how long they wait, and that a consumer that is behind is found."""

from itertools import islice

import pytest

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import EFFECT_RANGES, Fault
from tracehound.scripts.simulator.simulation import Simulation, even_traffic
from tracehound.scripts.simulator.trial import PAUSE_S, Course, run_trial

SYSTEM = build_system(messages=True)
RATE, START_S = 100.0, 1_000.0


def executions(*faults: Fault, count: int = 6_000, messages: bool = True) -> list[Execution]:
    simulation = Simulation(build_system(messages=messages), 1, RATE, START_S, even_traffic)
    for fault in faults:
        simulation.inject(fault)
    return [emitted.execution for emitted in islice(simulation, count)]


def consumers(found: list[Execution]) -> list[Execution]:
    return [one for one in found if one.kind == "consumer"]


def behind(effect: float, start_s: float = START_S) -> Fault:
    return Fault("queue_backlog", "orders", start_s, 60.0, effect, "process charges", "kafka charges")


def test_a_message_is_taken_in_the_trace_that_sent_it_after_it_waited() -> None:
    found = executions()
    senders = {segment.span_id: (one, segment) for one in found for segment in one.segments if segment.kind == "queue"}

    assert {one.operation for one in consumers(found)} == {"process orders", "process charges", "process logins"}
    assert len(senders) == sum(segment.kind == "queue" for one in found for segment in one.segments)
    for one in consumers(found):
        sender, segment = senders[one.parent_span_id]
        assert one.queue_wait is not None
        assert (one.trace_id, one.queue_wait.destination) == (sender.trace_id, segment.peer)
        assert one.queue_wait.group == one.application
        sent_s = sender.started_s + sender.duration_ms / 1e3
        assert one.started_s - sent_s == pytest.approx(one.queue_wait.waited_ms / 1e3)
        assert not sender.failed


def test_requests_are_drawn_alike_with_and_without_messages() -> None:
    def drawn(messages: bool) -> list[tuple[str, float, float]]:
        found = executions(count=4_000, messages=messages)
        return [(one.operation, one.started_s, one.duration_ms) for one in found if one.kind != "consumer"][:3_000]

    assert drawn(True) == drawn(False)


@pytest.mark.parametrize("effect", EFFECT_RANGES["queue_backlog"])
def test_messages_of_a_consumer_that_is_behind_wait_ever_longer(effect: float) -> None:
    found = consumers(executions(behind(effect)))
    waits = [one.queue_wait.waited_ms for one in found if one.application == "orders" and one.queue_wait]
    others = [one.queue_wait.waited_ms for one in found if one.application != "orders" and one.queue_wait]

    assert max(waits[:5]) < 3_000.0
    assert max(waits) > 8_000.0
    assert max(others) < 500.0


@pytest.mark.parametrize("effect", EFFECT_RANGES["queue_backlog"])
def test_a_queue_backlog_is_found_within_a_minute_with_its_cause_and_nothing_else_is_told(effect: float) -> None:
    fault = behind(effect, START_S + 500.0)
    course = Course(SYSTEM, 1, RATE, START_S, fault.end_s + PAUSE_S, [fault])

    judgement = run_trial(Scorer(DetectionSettings(), InlineFitter()), course)

    [verdict] = judgement.verdicts
    assert verdict.delay_s is not None
    assert 20.0 < verdict.delay_s < 60.0
    assert {event.data.signal for _, event in verdict.detections} == {"queue_gap_ms"}
    assert verdict.cause_right
    assert verdict.severity_right
    assert judgement.false_alarms == []
