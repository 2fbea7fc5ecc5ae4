import pytest

from tracehound.schemas.errors import ConfigurationError
from tracehound.scripts.simulator.faults import (
    EFFECT_RANGES,
    FAULT_NAMES,
    SCENARIOS,
    Fault,
    FaultName,
    FaultRequest,
    parse_duration,
    parse_fault,
)


def fault(name: FaultName, effect: float) -> Fault:
    return Fault(name, "orders", 100.0, 60.0, effect, "POST /orders", "payment", "POST /charges")


def test_ten_different_faults_are_scenarios() -> None:
    assert len(set(SCENARIOS)) == 10
    assert set(SCENARIOS) <= set(FAULT_NAMES) == set(EFFECT_RANGES)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_strength_goes_from_the_weakest_to_the_strongest_effect(name: FaultName) -> None:
    weakest, strongest = EFFECT_RANGES[name]

    assert fault(name, strongest).strength == 1.0
    assert fault(name, weakest).strength == (0.0 if weakest != strongest else 1.0)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_a_description_says_where_and_how_much(name: FaultName) -> None:
    said = fault(name, 2.0).describe()

    assert said.startswith(f"{name}: ")
    assert "orders" in said
    assert said != fault(name, 4.0).describe() or name == "silence"


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("silence@+30s", FaultRequest("silence", 30.0, 60.0)),
        ("silence@+2m/90s", FaultRequest("silence", 120.0, 90.0)),
        ("slow_dependency:orders-2@+5/1mx4.5", FaultRequest("slow_dependency", 5.0, 60.0, "orders-2", 4.5)),
        ("traffic_drop:cart@+5/60sx0.2", FaultRequest("traffic_drop", 5.0, 60.0, "cart", 0.2)),
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
