"""Ten faults of random size at random places: each must lead to its kind of anomaly, severity and cause."""

from collections.abc import Callable, Sequence

import pytest

from tracehound.schemas.anomaly import AnomalyKind, Severity
from tracehound.scripts.simulator.faults import SCENARIOS, FaultName
from tracehound.scripts.simulator.judge import Verdict
from tracehound.scripts.simulator.tally import Size, size_of

LEAST_SHARE: dict[Size, float] = {"large": 1.0, "medium": 1.0, "small": 0.5}
"""Share of the faults of a size that must come out right, rounded down to whole faults."""
SOON_S = 30.0
"""Most seconds until a medium or large fault is detected, where ``LATEST_S`` has no other figure."""
LATEST_S = {"new_error_type": 60.0, "traffic_surge": 90.0, "saturation": 90.0}
"""Rare errors have to happen first, and windows of event time have to close."""
LEADS_TO: dict[FaultName, tuple[AnomalyKind, set[Severity]]] = {
    "slow_dependency": ("latency", {"minor", "major"}),
    "network_delay": ("latency", {"minor", "major"}),
    "new_release": ("latency", {"minor", "major"}),
    "n_plus_one": ("structure", {"minor", "major"}),
    "lost_call": ("structure", {"minor", "major"}),
    "error_burst": ("errors", {"minor", "major", "critical"}),
    "new_error_type": ("errors", {"minor", "major"}),
    "silence": ("traffic", {"major", "critical"}),
    "traffic_surge": ("traffic", {"minor", "major"}),
    "saturation": ("saturation", {"minor", "major"}),
}

pytestmark = pytest.mark.parametrize("name", SCENARIOS)
Verdicts = dict[FaultName, list[Verdict]]


def wrong(verdicts: Sequence[Verdict], right: Callable[[Verdict], bool]) -> list[str]:
    """What was said about faults of the sizes of which too few come out right."""
    by_size: dict[Size, list[Verdict]] = {}
    for verdict in verdicts:
        by_size.setdefault(size_of(verdict.truth.fault), []).append(verdict)
    return [
        f"{verdict.truth.fault.describe()} ({size}) after {verdict.delay_s} s: {verdict.gravest}"
        for size, faults in by_size.items()
        if sum(map(right, faults)) < int(LEAST_SHARE[size] * len(faults))
        for verdict in faults
    ]


def test_faults_are_detected_the_more_surely_the_larger_they_are(name: FaultName, verdicts: Verdicts) -> None:
    assert wrong(verdicts[name], lambda verdict: verdict.detected) == []


def test_faults_are_detected_soon(name: FaultName, verdicts: Verdicts) -> None:
    latest_s = LATEST_S.get(name, SOON_S)

    assert wrong(verdicts[name], lambda verdict: verdict.delay_s is not None and verdict.delay_s <= latest_s) == []


def test_what_detects_a_fault_has_its_kind_and_severity(name: FaultName, verdicts: Verdicts) -> None:
    kind, severities = LEADS_TO[name]
    detected = [verdict for verdict in verdicts[name] if verdict.gravest is not None]

    assert {found.data.kind for verdict in detected for _, found in verdict.detections} <= {kind}
    assert {verdict.gravest.severity for verdict in detected if verdict.gravest} <= severities
    assert wrong(detected, lambda verdict: verdict.severity_right) == []


def test_the_largest_contribution_names_what_was_injected(name: FaultName, verdicts: Verdicts) -> None:
    detected = [verdict for verdict in verdicts[name] if verdict.gravest is not None]

    assert wrong(detected, lambda verdict: verdict.cause_right) == []
    for verdict in detected:
        for _, found in verdict.detections:
            assert sum(found.data.contributions.values()) == pytest.approx(1.0)
