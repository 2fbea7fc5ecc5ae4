import pytest

from tracehound.schemas.anomaly import Severity
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import FAULT_NAMES, Fault, FaultName
from tracehound.scripts.simulator.truth import truth_of

SYSTEM = build_system()


def fault(name: FaultName, application: str = "orders", effect: float = 5.0, **where: str) -> Fault:
    return Fault(name, application, 100.0, 60.0, effect, **where)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("slow_dependency", "latency"),
        ("network_delay", "latency"),
        ("new_release", "latency"),
        ("slow_code", "latency"),
        ("n_plus_one", "structure"),
        ("lost_call", "structure"),
        ("cache_outage", "structure"),
        ("error_burst", "errors"),
        ("new_error_type", "errors"),
        ("silence", "traffic"),
        ("traffic_surge", "traffic"),
        ("traffic_drop", "traffic"),
        ("saturation", "saturation"),
        ("memory_leak", "saturation"),
        ("queue_backlog", "latency"),
    ],
)
def test_only_the_faulty_application_can_be_right(name: FaultName, kind: str) -> None:
    truth = truth_of(fault(name), SYSTEM)

    assert [(one.application, one.kinds) for one in truth.right] == [("orders", (kind,))]
    assert all(one.application != "orders" or kind not in one.kinds for one in truth.collateral)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_callers_and_callees_are_collateral_where_the_fault_reaches_them(name: FaultName) -> None:
    collateral = {one.application for one in truth_of(fault(name, peer="payment"), SYSTEM).collateral} - {"orders"}
    alone = name in ("lost_call", "traffic_surge", "memory_leak", "queue_backlog")
    callers = set() if alone else {"gateway", "users"}
    callees = {"silence": {"payment", "cart", "catalog"}, "traffic_surge": {"payment", "cart", "catalog"}}
    callees |= {"traffic_drop": callees["silence"], "lost_call": {"payment"}}

    assert collateral == callers | callees.get(name, set())


def test_below_a_silent_application_only_missing_traffic_is_collateral() -> None:
    kinds = {one.application: one.kinds for one in truth_of(fault("silence"), SYSTEM).collateral}

    assert kinds["payment"] == ("traffic",)
    assert "traffic" not in kinds["gateway"]


def test_a_lost_query_changes_the_traffic_of_nobody() -> None:
    truth = truth_of(fault("lost_call", operation="GET /orders", peer="orders-db", step="SELECT orders"), SYSTEM)

    assert [one.application for one in truth.collateral] == ["orders"]
    assert truth.causes == ("SELECT orders", "calls to orders-db")


@pytest.mark.parametrize(
    ("given", "causes"),
    [
        (fault("slow_dependency", "payment", peer="bank"), {"calls to bank", "POST bank.example/charge"}),
        (fault("network_delay", "cart", peer="catalog"), {"calls to catalog", "GET /prices"}),
        (fault("n_plus_one", "cart", operation="GET /cart", peer="cart-db"), {"SELECT cart_items"}),
        (fault("cache_outage", "users"), {"GET session", "SELECT session"}),
        (fault("cache_outage", "catalog"), {"GET product", "SELECT products"}),
        (fault("error_burst"), {"TimeoutError"}),
        (fault("new_error_type"), {"UnknownCurrencyError"}),
        (fault("slow_code", operation="POST /orders"), {"its own code"}),
        (fault("silence"), {"missing executions"}),
    ],
)
def test_the_cause_is_what_was_injected(given: Fault, causes: set[str]) -> None:
    assert causes <= set(truth_of(given, SYSTEM).causes)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_a_cause_names_one_fault_only(name: FaultName) -> None:
    where = {"operation": "POST /orders", "peer": "payment", "step": "POST /charges"}
    other = {"operation": "GET /orders", "peer": "orders-db", "step": "SELECT orders"}

    assert truth_of(fault(name, "orders", 5.0, **where), SYSTEM).causes or name in ("n_plus_one", "cache_outage")
    if name in ("slow_dependency", "network_delay", "lost_call"):
        causes = [set(truth_of(fault(name, "orders", 5.0, **target), SYSTEM).causes) for target in (where, other)]
        assert causes[0].isdisjoint(causes[1])


@pytest.mark.parametrize(
    ("name", "effect", "severities"),
    [
        ("error_burst", 0.8, ("critical",)),
        ("error_burst", 0.5, ("major", "critical")),
        ("error_burst", 0.25, ("minor", "major")),
        ("new_error_type", 0.03, ("minor", "major")),
        ("silence", 1.0, ("major", "critical")),
        ("slow_code", 5.0, ("minor", "major")),
    ],
)
def test_severity_follows_from_the_fault_and_its_effect(
    name: FaultName, effect: float, severities: tuple[Severity, ...]
) -> None:
    assert truth_of(fault(name, effect=effect), SYSTEM).severities == severities
