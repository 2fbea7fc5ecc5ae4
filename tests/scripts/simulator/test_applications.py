import pytest

from tracehound.scripts.simulator.applications import APPLICATIONS_PER_SHOP, build_system


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
