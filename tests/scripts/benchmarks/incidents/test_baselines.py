"""Simple ways to name a cause, on an incident that each of them sees differently."""

import pytest

from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, ModelStamp
from tracehound.schemas.execution import rfc3339
from tracehound.scripts.benchmarks.incidents.baselines import BASELINES

CALLS = {"gateway": {"cart": 10.0, "search": 10.0}, "cart": {"stock": 10.0}, "search": {"stock": 10.0}}


def _anomaly(application: str, at_s: float, score: float, sigma: float, about: str) -> AnomalyEvent:
    data = Anomaly(
        application=application,
        operation="GET /",
        environment="",
        version="",
        kind="latency",
        score=score,
        sigma=sigma,
        severity="minor",
        confidence=1.0,
        signal="call_gap_ms",
        typical=5.0,
        actual=105.0,
        bounds=(2.0, 9.0),
        unit="ms",
        contributions={about: 1.0},
        reason="",
        exemplar_trace_ids=[],
        window=None,
        model=ModelStamp("rank-ewma-chart", "2", 500, None, warming=False),
        incident_key=f"{application}//latency/GET /",
    )
    return AnomalyEvent(f"{application} {at_s}", "/", "", "", rfc3339(at_s), data)


INCIDENT = [
    _anomaly("search", 5.0, 3.0, 4.0, "its own code"),
    _anomaly("gateway", 6.0, 4.0, 5.0, "calls to cart"),
    _anomaly("gateway", 7.0, 4.0, 5.0, "calls to search"),
    _anomaly("cart", 8.0, 9.0, 30.0, "calls to stock"),
]


@pytest.mark.parametrize(
    ("baseline", "first"),
    [
        ("most anomalies", "gateway"),
        ("highest score", "cart"),
        ("earliest", "search"),
        ("blamed by the highest score", "stock"),
        ("random walk", "cart"),
    ],
)
def test_whom_each_names_first(baseline: str, first: str) -> None:
    assert BASELINES[baseline](INCIDENT, CALLS)[0] == first


@pytest.mark.parametrize("baseline", BASELINES)
def test_everybody_is_named_once_and_nobody_without_anomalies(baseline: str) -> None:
    named = BASELINES[baseline](INCIDENT, CALLS)
    assert len(named) == len(set(named)) >= 2
    assert BASELINES[baseline]([], CALLS) == []


def test_a_walk_reaches_services_that_have_no_anomaly_of_their_own() -> None:
    assert "stock" in BASELINES["random walk"](INCIDENT, CALLS)
