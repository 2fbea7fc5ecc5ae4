from collections import Counter
from itertools import islice, pairwise
from statistics import mean, median

import msgspec
import pytest

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault, FaultName
from tracehound.scripts.simulator.requests import REFUSED_MS
from tracehound.scripts.simulator.simulation import Emitted, Simulation, daily_pattern, even_traffic

SYSTEM = build_system()
NOON_S = 1_767_268_800.0


def stream(count: int = 4_000, seed: int = 1, rate: float = 100.0, *faults: Fault) -> list[Emitted]:
    simulation = Simulation(SYSTEM, seed, rate, NOON_S, even_traffic)
    for fault in faults:
        simulation.inject(fault)
    return list(islice(simulation, count))


def executions(*faults: Fault, count: int = 4_000) -> list[Execution]:
    return [emitted.execution for emitted in stream(count, 1, 100.0, *faults)]


def fault(name: FaultName, application: str, effect: float, **where: str) -> Fault:
    return Fault(name, application, NOON_S, 3_600.0, effect, **where)


def of(found: list[Execution], application: str, operation: str | None = None) -> list[Execution]:
    return [one for one in found if one.application == application and operation in (None, one.operation)]


def test_the_same_seed_gives_the_same_executions_and_another_seed_others() -> None:
    assert stream(500) == stream(500)
    assert stream(500) != stream(500, seed=2)


def test_executions_are_reported_at_their_ends_in_order() -> None:
    found = stream(2_000)

    assert all(one.at_s <= other.at_s for one, other in pairwise(found))
    assert all(one.at_s == one.execution.started_s + one.execution.duration_ms / 1e3 for one in found)


def test_the_rate_is_executions_per_second() -> None:
    found = stream(8_000, rate=200.0)

    assert 8_000 / (found[-1].at_s - found[0].at_s) == pytest.approx(200.0, rel=0.1)


def test_traffic_follows_the_time_of_day() -> None:
    def rate_at(hour: int) -> float:
        simulation = Simulation(SYSTEM, 1, 200.0, NOON_S - 12 * 3_600 + hour * 3_600)
        found = list(islice(simulation, 3_000))
        return 3_000 / (found[-1].at_s - found[0].at_s)

    assert rate_at(15) / rate_at(3) == pytest.approx(daily_pattern(15 * 3_600) / daily_pattern(3 * 3_600), rel=0.25)


def test_every_execution_is_valid_input() -> None:
    for one in executions():
        assert decode_record(msgspec.json.encode(one), Limits(), NOON_S + 7_200).rejected == []


def test_a_callers_segment_is_the_callee_and_the_network() -> None:
    found = executions()
    by_parent = {one.parent_span_id: one for one in found if one.parent_span_id}
    calls = [(one, s) for one in found for s in one.segments if s.remote_ms is not None and s.span_id in by_parent]

    assert len(calls) > 1_000
    for caller, segment in calls:
        callee = by_parent[segment.span_id or ""]
        assert (callee.application, callee.trace_id) == (segment.peer, caller.trace_id)
        assert segment.remote_ms == callee.duration_ms < segment.duration_ms
        begins_s = caller.started_s + (segment.offset_ms or 0) / 1e3
        assert begins_s < callee.started_s
        assert callee.started_s + callee.duration_ms / 1e3 < begins_s + segment.duration_ms / 1e3


def test_segments_follow_one_another_within_the_execution() -> None:
    for one in executions():
        ends = 0.0
        for segment in one.segments:
            assert segment.offset_ms is not None
            assert segment.offset_ms >= ends - 1e-9
            ends = segment.offset_ms + segment.duration_ms
        assert ends <= one.duration_ms + 1e-9


def test_few_executions_fail_by_themselves() -> None:
    found = executions(count=20_000)

    assert 0.001 < mean(one.failed for one in found) < 0.006


def test_operations_have_distributions_of_their_own() -> None:
    found = executions()
    typical = {
        name: median(one.duration_ms for one in of(found, *name))
        for name in (("users", "POST /login"), ("catalog", "GET /prices"), ("payment", "POST /charges"))
    }

    assert typical["catalog", "GET /prices"] < 10 < 80 < typical["payment", "POST /charges"]
    assert typical["users", "POST /login"] == pytest.approx(98, rel=0.15)


def test_a_slow_dependency_slows_its_owner_and_callers_alone() -> None:
    usual, found = executions(), executions(fault("slow_dependency", "orders", 10.0, peer="orders-db"))

    def slower(application: str, operation: str) -> float:
        return median(one.duration_ms for one in of(found, application, operation)) / median(
            one.duration_ms for one in of(usual, application, operation)
        )

    assert slower("orders", "GET /orders") > 4
    assert slower("gateway", "POST /checkout") > 1.5
    assert slower("payment", "POST /charges") == pytest.approx(1, abs=0.15)
    assert slower("catalog", "GET /search") == pytest.approx(1, abs=0.15)


def test_a_network_delay_shows_between_caller_and_callee_only() -> None:
    found = executions(fault("network_delay", "cart", 100.0, peer="catalog"))
    gaps = {
        caller: [
            segment.duration_ms - segment.remote_ms
            for one in of(found, caller)
            for segment in one.segments
            if segment.peer == "catalog" and segment.remote_ms is not None
        ]
        for caller in ("cart", "gateway")
    }

    assert min(gaps["cart"]) > 100
    assert max(gaps["gateway"]) < 20
    assert median(one.duration_ms for one in of(found, "catalog", "GET /prices")) < 10


def test_n_plus_one_multiplies_queries_of_one_operation() -> None:
    found = executions(fault("n_plus_one", "cart", 25.0, operation="GET /cart", peer="cart-db"))

    assert {Counter(s.kind for s in one.segments)["db"] for one in of(found, "cart", "GET /cart")} == {25}
    assert {Counter(s.kind for s in one.segments)["db"] for one in of(found, "cart", "POST /items")} == {1}


def test_an_error_burst_fails_that_share_of_executions_and_reaches_callers() -> None:
    found = executions(fault("error_burst", "payment", 0.6))

    assert mean(one.failed for one in of(found, "payment")) == pytest.approx(0.6, abs=0.1)
    assert mean(one.failed for one in of(found, "orders", "POST /orders")) == pytest.approx(0.3, abs=0.12)
    assert mean(one.failed for one in of(found, "catalog")) < 0.02
    assert all(one.error is not None and one.error.type for one in of(found, "payment") if one.failed)


def test_a_silent_application_sends_nothing_and_its_callers_fail() -> None:
    found = executions(fault("silence", "cart", 1.0))
    (refused,) = [s for s in of(found, "gateway", "GET /cart")[0].segments if s.peer == "cart"]

    assert of(found, "cart") == []
    assert (refused.status, refused.remote_ms, refused.duration_ms) == ("error", None, REFUSED_MS)
    assert all(one.failed for one in of(found, "gateway", "GET /cart"))


def test_a_release_changes_version_and_own_time_and_stays() -> None:
    short = Fault("new_release", "users", NOON_S, 5.0, 4.0)
    found = of(executions(short), "users")
    during = [one for one in found if one.started_s < NOON_S + 5]
    after = [one for one in found if one.started_s > NOON_S + 6]

    assert {one.version for one in found} == {"1.1.0"}
    assert {one.version for one in of(executions(short), "cart")} == {"1.0.0"}
    slow, quick = (
        median(one.duration_ms for one in part if one.operation == "POST /login") for part in (during, after)
    )
    assert slow > 1.5 * quick


def test_a_fault_affects_only_requests_that_enter_during_it() -> None:
    late = Fault("error_burst", "payment", NOON_S + 10, 10.0, 1.0)
    found = of(executions(late), "payment", "POST /charges")
    failed = {one.started_s - NOON_S for one in found if one.failed}
    inside = [one for one in found if 10.5 < one.started_s - NOON_S < 19.5]

    assert all(one.failed for one in inside)
    assert len([start for start in failed if not 10 <= start < 20.5]) <= 2


def test_a_lost_call_is_left_out_and_leads_to_less_below() -> None:
    found = executions(fault("lost_call", "gateway", 0.5, operation="GET /cart", step="GET /session"))
    carts = of(found, "gateway", "GET /cart")
    with_session = [one for one in carts if any(s.name == "GET /session" for s in one.segments)]

    assert len(with_session) / len(carts) == pytest.approx(0.5, abs=0.1)
    assert len(of(found, "users", "GET /session")) < len(of(executions(), "users", "GET /session"))


def test_without_its_cache_an_application_asks_the_database() -> None:
    found = of(executions(fault("cache_outage", "users", 0.5)), "users", "GET /session")
    kinds = Counter(tuple(s.kind for s in one.segments) for one in found)

    assert kinds.keys() == {("cache",), ("db",)}
    assert kinds["db",] / len(found) == pytest.approx(0.5, abs=0.1)


def test_a_new_error_type_is_rare_and_only_there() -> None:
    found = executions(fault("new_error_type", "catalog", 0.03))
    types = Counter(one.error.type for one in of(found, "catalog") if one.error is not None)

    assert types["UnknownCurrencyError"] / len(of(found, "catalog")) == pytest.approx(0.03, abs=0.015)
    assert "UnknownCurrencyError" not in {one.error.type for one in executions() if one.error is not None}


@pytest.mark.parametrize("effect", [2.0, 5.0])
def test_a_surge_multiplies_the_traffic_of_one_application_for_its_time(effect: float) -> None:
    surge = Fault("traffic_surge", "cart", NOON_S + 20, 20.0, effect)

    def per_s(application: str, begin_s: float) -> float:
        starts = [one.started_s - NOON_S for one in of(found, application)]
        return sum(begin_s <= start < begin_s + 20 for start in starts) / 20

    found = executions(surge, count=12_000)
    assert per_s("cart", 20) / per_s("cart", 0) == pytest.approx(effect, rel=0.25)
    assert per_s("cart", 40) / per_s("cart", 0) == pytest.approx(1.0, rel=0.25)
    assert per_s("orders", 20) / per_s("orders", 0) == pytest.approx(1.0, rel=0.35)


def test_dropped_traffic_is_missing_while_callers_go_on() -> None:
    usual, found = executions(), executions(fault("traffic_drop", "cart", 0.25))
    calls = [s for one in of(found, "gateway") for s in one.segments if s.peer == "cart"]
    share = len(of(found, "cart")) / len(of(found, "gateway"))

    assert share / (len(of(usual, "cart")) / len(of(usual, "gateway"))) == pytest.approx(0.25, rel=0.3)
    assert mean(s.remote_ms is None for s in calls) == pytest.approx(0.75, abs=0.1)
    assert mean(one.failed for one in of(found, "gateway")) < 0.02


def test_a_saturated_application_lets_executions_wait_the_longer_the_more_come() -> None:
    def wait_ms(effect: float) -> list[float]:
        saturated = of(executions(fault("saturation", "cart", effect), count=10_000), "cart", "GET /cart")
        return [one.duration_ms for one in saturated]

    usual = median(one.duration_ms for one in of(executions(), "cart", "GET /cart"))
    busy, overloaded = wait_ms(0.8), wait_ms(1.3)
    half = len(overloaded) // 2

    assert usual * 1.5 < median(busy) < median(overloaded)
    assert median(overloaded[half:]) > 2 * median(overloaded[:half])


def test_a_leak_lets_the_memory_grow_with_time() -> None:
    found = of(executions(fault("memory_leak", "cart", 60.0), count=6_000), "cart")
    growth = [(one.started_s - NOON_S, one.memory_peak_mb or 0.0) for one in found]

    assert all(90 + at_s <= memory_mb < 115 + at_s for at_s, memory_mb in growth)
    assert all(90 < (one.memory_peak_mb or 0.0) < 115 for one in executions())


def test_with_strain_executions_take_longer_when_there_is_more_traffic() -> None:
    def typical_ms(hour: int, strain: float) -> float:
        simulation = Simulation(SYSTEM, 1, 100.0, NOON_S - 12 * 3_600 + hour * 3_600, strain=strain)
        found = [emitted.execution for emitted in islice(simulation, 2_000)]
        return median(one.duration_ms for one in of(found, "catalog", "GET /search"))

    assert typical_ms(15, 0.4) / typical_ms(3, 0.4) == pytest.approx(1.2 / 0.8, rel=0.15)
    assert typical_ms(15, 0.0) / typical_ms(3, 0.0) == pytest.approx(1.0, rel=0.15)
