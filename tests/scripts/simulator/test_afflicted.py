import pytest

from tracehound.scripts.simulator.afflicted import NEXT_VERSION, afflicted
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import FAULT_NAMES, Fault, FaultName
from tracehound.scripts.simulator.system import Operation, Step, System

SYSTEM = build_system()
REQUESTS_PER_S = 20.0


def system_with(*faults: Fault) -> System:
    return afflicted(SYSTEM, faults, (), REQUESTS_PER_S)


def fault(name: FaultName, application: str, effect: float, **where: str) -> Fault:
    return Fault(name, application, 100.0, 60.0, effect, **where)


def operation(name: FaultName, application: str, operation: str, effect: float, **where: str) -> Operation:
    return system_with(fault(name, application, effect, **where)).applications[application][operation]


def steps(found: Operation) -> dict[str, Step]:
    return {step.name: step for step in found.steps}


def test_without_faults_the_system_is_the_usual_one() -> None:
    assert system_with() is SYSTEM


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_fault_changes_something_and_leaves_other_applications_alone(name: FaultName) -> None:
    where = {"slow_dependency": "orders-db", "n_plus_one": "orders-db", "network_delay": "payment"}
    application = "users" if name == "cache_outage" else "orders"
    given = Fault(name, application, 100.0, 60.0, 5.0, None, where.get(name), "POST /charges")
    found = afflicted(SYSTEM, [given], ["orders"] if name == "new_release" else [], REQUESTS_PER_S)

    assert found != SYSTEM
    for other in SYSTEM.applications.keys() - {application}:
        assert found.applications[other] == SYSTEM.applications[other]


def test_a_fault_of_one_operation_leaves_the_others_alone() -> None:
    found = system_with(fault("slow_code", "cart", 3.0, operation="GET /cart")).applications["cart"]

    assert found["GET /cart"].median_ms == 3 * SYSTEM.applications["cart"]["GET /cart"].median_ms
    assert found["POST /items"] == SYSTEM.applications["cart"]["POST /items"]


def test_faults_add_up() -> None:
    slow = fault("slow_code", "cart", 3.0)

    found = system_with(slow, slow, fault("error_burst", "cart", 0.5)).applications["cart"]["GET /cart"]

    assert found.median_ms == 9 * SYSTEM.applications["cart"]["GET /cart"].median_ms
    assert [chance for chance, _ in found.failures] == [0.5]


def test_the_first_query_to_the_peer_is_repeated_and_no_longer_left_out() -> None:
    found = steps(operation("n_plus_one", "orders", "POST /orders", 30.0, peer="orders-db"))
    certain = steps(operation("n_plus_one", "catalog", "GET /products", 20.0, peer="catalog-db"))

    assert {name: step.repeats for name, step in found.items()}["INSERT orders"] == 30
    assert sum(step.repeats for step in found.values()) == 34
    assert (certain["SELECT products"].repeats, certain["SELECT products"].probability) == (20, 1.0)


def test_a_lost_call_is_left_out_as_often_as_asked_for() -> None:
    found = steps(operation("lost_call", "gateway", "GET /cart", 0.7, step="GET /session"))

    assert found["GET /session"].probability == pytest.approx(0.3)
    assert found["GET /cart"].probability == 1.0


def test_without_a_cache_every_query_is_sent() -> None:
    certain = operation("cache_outage", "catalog", "GET /products", 0.6)
    added = operation("cache_outage", "users", "GET /session", 0.6)
    none = operation("cache_outage", "users", "POST /login", 0.6)

    assert [(step.kind, step.probability) for step in certain.detour] == [("db", 1.0)]
    assert [(step.kind, step.name, step.peer) for step in added.detour] == [("db", "SELECT session", "users-db")]
    assert certain.detour_share == added.detour_share == 0.6
    assert none.detour_share == 0.0


def test_a_surge_multiplies_the_executions_of_its_application() -> None:
    usual, found = SYSTEM.mix(), system_with(fault("traffic_surge", "catalog", 4.0))
    more = found.requests() / SYSTEM.requests()

    for key, share in found.mix().items():
        assert share * more == pytest.approx(usual[key] * (4.0 if key[0] == "catalog" else 1.0))


def test_a_saturated_application_gets_more_work_than_it_can_do() -> None:
    found = operation("saturation", "cart", "GET /cart", 1.25)
    arriving_per_s = REQUESTS_PER_S * sum(share for (name, _), share in SYSTEM.mix().items() if name == "cart")

    assert found.served_every_ms / 1e3 * arriving_per_s == pytest.approx(1.25)


def test_silence_release_and_drop_are_of_the_whole_application() -> None:
    found = afflicted(
        SYSTEM, [fault("silence", "cart", 1.0), fault("traffic_drop", "users", 0.3)], ["orders"], REQUESTS_PER_S
    )

    assert found.silent == {"cart"}
    assert found.elsewhere == {"users": 0.7}
    assert found.versions == {"orders": NEXT_VERSION}
