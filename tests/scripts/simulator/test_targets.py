import random

import pytest

from tracehound.schemas.errors import ConfigurationError
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import EFFECT_RANGES, FAULT_NAMES, Fault, FaultName
from tracehound.scripts.simulator.targets import random_fault, target_of, targets

SYSTEM = build_system(messages=True)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_fault_has_targets_and_effects_within_its_range(name: FaultName) -> None:
    low, high = sorted(EFFECT_RANGES[name])
    chosen = [random_fault(random.Random(seed), SYSTEM, 0.0, 60.0, name) for seed in range(30)]

    assert len({target_of(one) for one in chosen}) > 2 or name == "cache_outage"
    assert all(low <= one.effect <= high for one in chosen)
    assert all(target_of(one) in targets(name, SYSTEM) for one in chosen)


def test_a_lost_call_names_a_step_that_always_happened() -> None:
    for application, operation, peer, step in targets("lost_call", SYSTEM):
        steps = SYSTEM.applications[application][operation or ""].steps
        assert [one.probability for one in steps if (one.name, one.peer) == (step, peer)] == [1.0]


def test_only_applications_with_a_cache_can_lose_it() -> None:
    assert {target.application for target in targets("cache_outage", SYSTEM)} == {"catalog", "users"}


def test_a_random_fault_follows_from_the_seed_and_avoids_applications() -> None:
    def draw(seed: int, avoid: tuple[str, ...] = ()) -> Fault:
        return random_fault(random.Random(seed), SYSTEM, 0.0, 60.0, avoid=avoid)

    assert draw(5) == draw(5)
    assert len({draw(seed) for seed in range(20)}) > 15
    assert all(draw(seed, ("cart", "orders")).application not in ("cart", "orders") for seed in range(50))


def test_an_application_that_cannot_have_the_fault_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'gateway' cannot have the fault 'silence'"):
        random_fault(random.Random(0), SYSTEM, 0.0, 60.0, "silence", "gateway")
