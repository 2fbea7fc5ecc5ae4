import random

import pytest

from schemas.errors import ConfigurationError
from scripts.simulator.applications import build_system
from scripts.simulator.faults import (
    EFFECT_RANGES,
    FAULT_NAMES,
    Fault,
    FaultName,
    FaultRequest,
    parse_duration,
    parse_fault,
    random_fault,
    targets,
    truth_of,
)

SYSTEM = build_system()


def fault(name: FaultName, application: str = "orders") -> Fault:
    return Fault(name, application, 100.0, 60.0, 5.0)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("slow_dependency", {"latency"}),
        ("network_delay", {"latency"}),
        ("n_plus_one", {"structure", "latency"}),
        ("error_burst", {"errors"}),
        ("silence", {"traffic"}),
        ("new_release", {"latency"}),
    ],
)
def test_only_the_faulty_application_can_be_right(name: FaultName, kinds: set[str]) -> None:
    truth = truth_of(fault(name), SYSTEM)

    assert [(one.application, set(one.kinds)) for one in truth.right] == [("orders", kinds)]
    assert all(one.application != "orders" or not kinds & set(one.kinds) for one in truth.collateral)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_callers_are_collateral_and_others_are_not(name: FaultName) -> None:
    collateral = {one.application for one in truth_of(fault(name), SYSTEM).collateral} - {"orders"}
    downstream = {"payment", "cart", "catalog"} if name == "silence" else set()

    assert collateral == {"gateway", "users"} | downstream


def test_below_a_silent_application_only_missing_traffic_is_collateral() -> None:
    kinds = {one.application: one.kinds for one in truth_of(fault("silence"), SYSTEM).collateral}

    assert kinds["payment"] == ("traffic",)
    assert "traffic" not in kinds["gateway"]


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_fault_has_targets_and_effects_within_its_range(name: FaultName) -> None:
    low, high = EFFECT_RANGES[name]
    chosen = [random_fault(random.Random(seed), SYSTEM, 0.0, 60.0, name) for seed in range(30)]

    assert len({one.application for one in chosen}) > 2
    assert all(low <= one.effect <= high for one in chosen)
    assert all((one.application, one.operation, one.peer) in targets(name, SYSTEM) for one in chosen)


def test_a_random_fault_follows_from_the_seed_and_avoids_applications() -> None:
    def draw(seed: int, avoid: tuple[str, ...] = ()) -> Fault:
        return random_fault(random.Random(seed), SYSTEM, 0.0, 60.0, avoid=avoid)

    assert draw(5) == draw(5)
    assert len({draw(seed) for seed in range(20)}) > 15
    assert all(draw(seed, ("cart", "orders")).application not in ("cart", "orders") for seed in range(50))


def test_an_application_that_cannot_have_the_fault_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'gateway' cannot have the fault 'silence'"):
        random_fault(random.Random(0), SYSTEM, 0.0, 60.0, "silence", "gateway")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("silence@+30s", FaultRequest("silence", 30.0, 60.0)),
        ("silence@+2m/90s", FaultRequest("silence", 120.0, 90.0)),
        ("slow_dependency:orders-2@+5/1mx4.5", FaultRequest("slow_dependency", 5.0, 60.0, "orders-2", 4.5)),
    ],
)
def test_faults_are_asked_for_in_one_word(text: str, request_: FaultRequest) -> None:
    assert parse_fault(text) == request_


@pytest.mark.parametrize("text", ["silence", "silence@30s", "explosion@+3s", "silence@+3d", "silence@+3s/", ""])
def test_other_words_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"slow_dependency@\+30s"):
        parse_fault(text)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), ("2h", 7_200.0)])
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-3s", "3 s", "1d"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="like 90s"):
        parse_duration(text)
