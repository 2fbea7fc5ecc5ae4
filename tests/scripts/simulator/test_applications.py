import pytest

from scripts.simulator.applications import APPLICATIONS_PER_SHOP, Operation, Step, System, build_system


def call(application: str, operation: str, probability: float = 1.0) -> Step:
    return Step("http", operation, application, 1.0, 0.1, operation, probability)


CHAIN = System(
    {
        "front": {
            "get": Operation("get", 1, 0.1, (call("middle", "do"), call("middle", "do"), call("side", "see", 0.5)))
        },
        "middle": {"do": Operation("do", 1, 0.1, (call("back", "end"),))},
        "back": {"end": Operation("end", 1, 0.1, ())},
        "side": {"see": Operation("see", 1, 0.1, ())},
    },
    (("front", "get", 3.0), ("back", "end", 1.0)),
)


def test_ancestors_call_and_descendants_are_called_directly_or_through_others() -> None:
    assert CHAIN.ancestors("back") == {"front", "middle"}
    assert CHAIN.ancestors("front") == set()
    assert CHAIN.descendants("front") == {"middle", "back", "side"}
    assert CHAIN.descendants("middle") == {"back"}


def test_executions_per_request_follow_from_the_calls() -> None:
    assert CHAIN.shares(CHAIN.entries[0])[("back", "end")] == 2.0
    assert CHAIN.executions_per_request() == pytest.approx((5.5 * 3 + 1 * 1) / 4)


def test_the_shop_has_six_applications_that_call_each_other_without_cycles() -> None:
    system = build_system()

    assert len(system.applications) == APPLICATIONS_PER_SHOP == 6
    assert all(3 <= len(operations) <= 6 for operations in system.applications.values())
    assert all(name not in system.descendants(name) for name in system.applications)
    assert system.ancestors("payment") >= {"orders", "gateway"}


@pytest.mark.parametrize("count", [1, 6, 8, 13])
def test_copies_of_the_shop_are_closed_and_differ(count: int) -> None:
    system = build_system(count, seed=3)

    assert len(system.applications) == count
    for _, _, step in system.calls():
        assert step.operation in system.applications[step.peer or ""]
    assert all(application in system.applications for application, _, _ in system.entries)
    if count > 6:
        original, copy = (system.applications[name]["GET /"] for name in ("gateway", "gateway-2"))
        assert original.median_ms != copy.median_ms
