from itertools import islice, pairwise

from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault, FaultRequest
from tracehound.scripts.simulator.plan import AHEAD_S, FAULT_S, PAUSE_S, FaultPlan, asked_for, now_and_then
from tracehound.scripts.simulator.simulation import Simulation

SYSTEM = build_system(messages=True)


class Injected(Simulation):
    def __init__(self) -> None:
        super().__init__(SYSTEM, 1, 10.0, 0.0)
        self.injected: list[Fault] = []

    def inject(self, fault: Fault) -> None:
        self.injected.append(fault)


def fault(start_s: float) -> Fault:
    return Fault("silence", "cart", start_s, 10.0, 1.0)


def test_what_was_asked_for_comes_in_order_of_start_with_the_rest_chosen_by_seed() -> None:
    requests = [FaultRequest("silence", 50.0, 10.0, "cart"), FaultRequest("n_plus_one", 20.0, 5.0, effect=7.0)]

    first, second = asked_for(requests, SYSTEM, 4, 1_000.0)

    assert (first.name, first.start_s, first.duration_s, first.effect) == ("n_plus_one", 1_020.0, 5.0, 7.0)
    assert (second.name, second.start_s, second.application) == ("silence", 1_050.0, "cart")
    assert asked_for(requests, SYSTEM, 4, 1_000.0) == [first, second]


def test_random_faults_come_one_after_the_other_at_changing_applications() -> None:
    faults = list(islice(now_and_then(SYSTEM, 1, 1_000.0), 30))

    assert faults[0].start_s == 1_030.0
    for one, other in pairwise(faults):
        assert FAULT_S + PAUSE_S[0] <= other.start_s - one.start_s <= FAULT_S + PAUSE_S[1]
        assert one.application != other.application
    assert len({one.name for one in faults}) > 8


def test_random_faults_can_be_of_some_names_only() -> None:
    faults = list(islice(now_and_then(SYSTEM, 1, 1_000.0, names=("silence", "error_burst")), 20))

    assert {one.name for one in faults} == {"silence", "error_burst"}


def test_faults_are_injected_in_good_time_and_told_once_when_they_start() -> None:
    simulation = Injected()
    faults = [fault(10.0), fault(20.0), fault(100.0)]
    plan = FaultPlan(iter(faults), simulation, 0.0)

    assert simulation.injected == faults[:2]
    assert list(plan.started(9.9)) == []
    assert list(plan.started(20.0)) == faults[:2]
    assert list(plan.started(99.0 - AHEAD_S)) == []
    assert simulation.injected == faults[:2]
    assert list(plan.started(100.0 - AHEAD_S)) == []
    assert simulation.injected == faults
    assert list(plan.started(500.0)) == faults[2:]
    assert list(plan.started(501.0)) == []
