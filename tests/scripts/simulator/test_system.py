import pytest

from tracehound.scripts.simulator.system import Operation, Step, System


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


def test_the_mix_is_what_an_average_request_leads_to() -> None:
    mix = CHAIN.mix()

    assert CHAIN.requests() == 4.0
    assert mix["side", "see"] == pytest.approx(0.5 * 3 / 4)
    assert sum(mix.values()) == pytest.approx(CHAIN.executions_per_request())


def test_every_call_is_listed_with_its_caller() -> None:
    assert [(caller, operation, step.peer) for caller, operation, step in CHAIN.calls()] == [
        ("front", "get", "middle"),
        ("front", "get", "middle"),
        ("front", "get", "side"),
        ("middle", "do", "back"),
    ]
