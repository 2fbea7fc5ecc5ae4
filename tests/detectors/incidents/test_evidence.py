"""What anomalies are evidence of, and until when."""

from msgspec.structs import replace

from tracehound.detectors.incidents.evidence import TOGETHER_S, CauseEvidence, evidence_key, evidence_of, renewed
from tracehound.schemas.anomaly import Anomaly, ModelStamp


def test_an_anomaly_of_several_calls_is_evidence_towards_each() -> None:
    contributions = {"calls to stock": 0.5, "calls to price": 0.4, "calls to login": 0.1}
    stock, price = evidence_of(_anomaly(contributions), 60.0)
    assert (stock.peer, stock.excess_ms) == ("stock", 100.0)
    assert (price.peer, round(price.excess_ms, 6)) == ("price", 80.0)


def test_an_anomaly_mostly_of_own_code_is_evidence_of_that_alone() -> None:
    [own] = evidence_of(_anomaly({"its own code": 0.7, "calls to stock": 0.3}), 60.0)
    assert (own.peer, own.about) == ("", "its own code")


def test_only_what_was_told_last_under_a_key_is_renewed_by_alarms_that_are_not_told() -> None:
    before, last = _slow_call("stock", 0.0), _slow_call("price", 500.0)
    beside = _slow_call("login", 500.0 - TOGETHER_S)
    found = renewed([before, last, beside], {evidence_key(last, "live"): 590.0}, "live")
    assert [one.last_s for one in found] == [0.0, 590.0, 590.0]
    assert last.last_s == 500.0


def test_without_alarms_evidence_is_of_when_it_was_told() -> None:
    told = [_slow_call("stock", 0.0), replace(_slow_call("price", 9.0), operation="")]
    assert renewed(told, {"another/live/latency": 50.0}, "live") == told


def _slow_call(peer: str, at_s: float) -> CauseEvidence:
    [found] = evidence_of(_anomaly({f"calls to {peer}": 1.0}), at_s)
    return found


def _anomaly(contributions: dict[str, float]) -> Anomaly:
    return Anomaly(
        application="cart",
        operation="GET /",
        environment="",
        version="",
        kind="latency",
        score=5.0,
        sigma=8.0,
        severity="major",
        confidence=1.0,
        signal="call_gap_ms",
        typical=5.0,
        actual=105.0,
        bounds=(2.0, 9.0),
        unit="ms",
        contributions=contributions,
        reason="",
        exemplar_trace_ids=[],
        window=None,
        model=ModelStamp("rank-ewma-chart", "2", 500, None, warming=False),
        incident_key="cart//latency/GET /",
    )
