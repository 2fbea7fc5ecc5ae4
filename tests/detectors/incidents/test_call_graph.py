"""Who calls whom: learned, faded, bounded, and the same after a restart."""

from tracehound.detectors.incidents.call_graph import CALLEES, CallGraph

DAY_S = 86_400.0


def test_callers_and_callees_are_known() -> None:
    graph = CallGraph({}, {})
    assert graph.learn("cart", {"stock": 1, "cart": 5, "users": 0}, 0.0, DAY_S)
    assert graph.learn("gateway", {"cart": 1}, 0.0, DAY_S)
    assert not graph.learn("gateway", {"cart": 1}, 1.0, DAY_S)

    assert (list(graph.callers("cart")), list(graph.callees("cart"))) == (["gateway"], ["stock"])
    assert list(graph.callers("stock")) == ["cart"]
    assert not graph.callers("users")
    assert graph.has_callers("cart")
    assert not graph.has_callers("gateway")


def test_calls_that_have_ended_are_forgotten() -> None:
    graph = CallGraph({}, {})
    graph.learn("cart", {"old": 10}, 0.0, DAY_S)
    graph.learn("cart", {"new": 10}, DAY_S, DAY_S)
    assert graph.calls == {"cart": {"old": 5.0, "new": 10.0}}
    graph.learn("cart", {"new": 10}, 5 * DAY_S, DAY_S)

    assert list(graph.callees("cart")) == ["new"]
    assert not graph.has_callers("old")


def test_callees_are_bounded_and_those_called_least_go() -> None:
    graph = CallGraph({}, {})
    graph.learn("cart", {f"to {number}": 1 + number for number in range(CALLEES + 50)}, 0.0, DAY_S)

    assert len(graph.calls["cart"]) == CALLEES
    assert not graph.has_callers("to 49")
    assert graph.has_callers("to 50")


def test_it_goes_on_from_its_state_and_forgets_on_demand() -> None:
    calls: dict[str, dict[str, float]] = {}
    CallGraph(calls, {}).learn("cart", {"stock": 1}, 0.0, DAY_S)
    graph = CallGraph(calls, {})

    assert list(graph.callers("stock")) == ["cart"]
    graph.forget("cart")
    assert not graph.callers("stock")
    assert calls == {}
