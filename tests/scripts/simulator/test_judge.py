from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind, Severity
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault, FaultName
from tracehound.scripts.simulator.judge import GRACE_S, judge
from tracehound.scripts.simulator.truth import Truth, truth_of

MakeAnomaly = Callable[..., AnomalyEvent]
SYSTEM = build_system()
START_S, LASTS_S = 1_000.0, 60.0


def truth(name: FaultName = "slow_dependency", application: str = "orders", start_s: float = START_S) -> Truth:
    return truth_of(Fault(name, application, start_s, LASTS_S, 5.0), SYSTEM)


def test_application_kind_and_time_right_is_a_detection(make_anomaly: MakeAnomaly) -> None:
    judgement = judge([truth()], [make_anomaly("orders", "latency", START_S + 7)])

    assert judgement.verdicts[0].detected
    assert judgement.verdicts[0].delay_s == 7.0
    assert (judgement.missed, judgement.false_alarms, judgement.collateral) == ([], [], 0)


@pytest.mark.parametrize(
    ("application", "kind", "at_s"),
    [
        ("payment", "latency", START_S + 7),
        ("orders", "errors", START_S + 7),
        ("orders", "traffic", START_S + 7),
        ("orders", "latency", START_S - 1),
        ("orders", "latency", START_S + LASTS_S + GRACE_S + 1),
        ("gateway", "traffic", START_S + 7),
        ("gateway", "latency", START_S - 1),
    ],
)
def test_one_thing_wrong_is_a_false_alarm_and_the_fault_is_missed(
    make_anomaly: MakeAnomaly, application: str, kind: AnomalyKind, at_s: float
) -> None:
    judgement = judge([truth()], [make_anomaly(application, kind, at_s)])

    assert len(judgement.false_alarms) == 1
    assert judgement.missed == judgement.verdicts
    assert judgement.collateral == 0


@pytest.mark.parametrize(("application", "kind"), [("gateway", "latency"), ("users", "outlier"), ("orders", "outlier")])
def test_what_follows_from_a_fault_is_collateral_but_detects_nothing(
    make_anomaly: MakeAnomaly, application: str, kind: AnomalyKind
) -> None:
    judgement = judge([truth()], [make_anomaly(application, kind, START_S + 7)])

    assert (judgement.collateral, judgement.false_alarms) == (1, [])
    assert not judgement.verdicts[0].detected
    assert judgement.verdicts[0].delay_s is None


def test_the_time_of_a_fault_includes_its_bounds_to_the_millisecond(make_anomaly: MakeAnomaly) -> None:
    fractional = truth(start_s=START_S + 0.0007)  # anomalies tell their times to the millisecond, cut off
    last_s = START_S + LASTS_S + GRACE_S

    for at_s in (START_S + 0.0008, last_s):
        assert judge([fractional], [make_anomaly("orders", "latency", at_s)]).verdicts[0].detected
    assert not judge([truth()], [make_anomaly("orders", "latency", last_s + 0.1)]).verdicts[0].detected
    assert judge([truth()], [make_anomaly("orders", "latency", START_S + 80)], grace_s=10.0).false_alarms


def test_missing_traffic_below_a_silent_application_is_collateral(make_anomaly: MakeAnomaly) -> None:
    anomalies = [make_anomaly("orders", "traffic", START_S + 20), make_anomaly("payment", "traffic", START_S + 21)]

    judgement = judge([truth("silence")], anomalies)

    assert (len(judgement.verdicts[0].detections), judgement.collateral) == (1, 1)


def test_the_earliest_detection_gives_the_delay_whatever_the_order_of_arrival(make_anomaly: MakeAnomaly) -> None:
    anomalies = [make_anomaly("orders", "latency", START_S + 20), make_anomaly("orders", "latency", START_S + 5)]

    verdict = judge([truth()], anomalies).verdicts[0]

    assert verdict.delay_s == 5.0
    assert len(verdict.detections) == 2


def test_a_repeated_id_counts_once(make_anomaly: MakeAnomaly) -> None:
    again = make_anomaly("cart", "errors", START_S, id="same")

    assert len(judge([truth()], [again, again]).false_alarms) == 1


def test_a_detection_of_one_fault_goes_before_collateral_of_another(make_anomaly: MakeAnomaly) -> None:
    at_orders, at_gateway = truth(), truth("new_release", "gateway", START_S - 10)

    judgement = judge([at_orders, at_gateway], [make_anomaly("gateway", "latency", START_S + 5)])

    assert not judgement.verdicts[0].collateral
    assert judgement.verdicts[1].detected


def test_of_two_equal_faults_the_later_one_is_detected(make_anomaly: MakeAnomaly) -> None:
    judgement = judge([truth(), truth(start_s=START_S + 30)], [make_anomaly("orders", "latency", START_S + 35)])

    assert [verdict.detected for verdict in judgement.verdicts] == [False, True]


def test_without_faults_everything_is_a_false_alarm(make_anomaly: MakeAnomaly) -> None:
    anomalies = [make_anomaly("cart", "errors", 5.0), make_anomaly("orders", "latency", 6.0)]

    assert judge([], anomalies).false_alarms == anomalies


def told(event: AnomalyEvent, severity: Severity, **contributions: float) -> AnomalyEvent:
    named = {name.replace("_", " "): share for name, share in contributions.items()}
    return replace(event, data=replace(event.data, severity=severity, contributions=named))


def test_the_gravest_detection_and_of_several_the_earliest_is_looked_at(make_anomaly: MakeAnomaly) -> None:
    anomalies = [
        told(make_anomaly("orders", "errors", START_S + 5), "minor", ValueError=1.0),
        told(make_anomaly("orders", "errors", START_S + 25), "critical", OSError=1.0),
        told(make_anomaly("orders", "errors", START_S + 15), "critical", ValueError=0.3, TimeoutError=0.7),
        told(make_anomaly("gateway", "errors", START_S + 1), "critical", CalleeFailed=1.0),
    ]

    verdict = judge([truth("error_burst")], anomalies).verdicts[0]

    assert verdict.gravest == anomalies[2].data
    assert verdict.cause == "TimeoutError"
    assert verdict.severity_right
    assert verdict.cause_right


def test_another_severity_or_cause_than_the_fault_must_lead_to_is_wrong(make_anomaly: MakeAnomaly) -> None:
    known = told(make_anomaly("orders", "errors", START_S + 5), "critical", TimeoutError=1.0)

    verdict = judge([truth("new_error_type")], [known]).verdicts[0]

    assert verdict.detected
    assert not verdict.severity_right
    assert not verdict.cause_right


def test_a_missed_fault_has_neither_severity_nor_cause() -> None:
    verdict = judge([truth()], []).verdicts[0]

    assert (verdict.gravest, verdict.cause) == (None, None)
    assert not verdict.severity_right
    assert not verdict.cause_right
