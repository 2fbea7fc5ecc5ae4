from collections.abc import Callable

import pytest

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import EFFECT_RANGES, Fault
from tracehound.scripts.simulator.judge import judge
from tracehound.scripts.simulator.tally import Size, Tally, size_of, tally, together
from tracehound.scripts.simulator.truth import truth_of

SYSTEM = build_system()


def burst(effect: float, start_s: float = 1_000.0) -> Fault:
    return Fault("error_burst", "orders", start_s, 60.0, effect)


@pytest.mark.parametrize(
    ("part", "size"), [(-1.0, "small"), (0.0, "small"), (0.5, "medium"), (0.9, "large"), (1.0, "large"), (3.0, "large")]
)
def test_sizes_are_thirds_of_the_range_of_effects(part: float, size: Size) -> None:
    low, high = EFFECT_RANGES["error_burst"]

    assert size_of(burst(low + part * (high - low))) == size


def test_less_traffic_is_a_larger_drop() -> None:
    assert size_of(Fault("traffic_drop", "cart", 0.0, 60.0, 0.12)) == "large"
    assert size_of(Fault("traffic_drop", "cart", 0.0, 60.0, 0.5)) == "small"


def test_faults_are_counted_by_name_and_size(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    faults = [burst(0.3), burst(0.3, 2_000.0), burst(0.8, 3_000.0)]
    anomalies = [make_anomaly("orders", "errors", 1_004.0), make_anomaly("orders", "errors", 3_007.0)]

    found = tally([judge([truth_of(fault, SYSTEM) for fault in faults], anomalies)])["error_burst"]

    assert list(found) == ["small", "large"]
    assert (found["small"].detected, found["small"].faults, found["small"].median_delay_s) == (1, 2, 4.0)
    assert (found["small"].severity_right, found["large"].severity_right) == (1, 0)  # told as minor
    assert found["large"].causes == {"its own code": 1}


def test_tallies_add_up() -> None:
    total = together([Tally(2, [4.0], 1, 1), Tally(1, [7.0], 0, 1), Tally(3)])

    assert (total.faults, total.detected, total.median_delay_s) == (6, 2, 5.5)
    assert (total.severity_right, total.cause_right) == (1, 2)
    assert together([]).median_delay_s is None
