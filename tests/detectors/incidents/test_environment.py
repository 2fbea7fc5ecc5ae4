"""Who is whose neighbour in an environment, across calls and queues."""

from tracehound.detectors.incidents.environment import Environment, EnvironmentState
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.progress import Progress

ORDERS = "kafka orders"


def progress(application: str, calls: dict[str, int], taken: dict[str, int] | None = None) -> Progress:
    return Progress(application, "", "2026-01-01T00:00:00Z", 1, 0, 0, {}, calls=calls, taken=taken or {})


def learned(state: EnvironmentState) -> Environment:
    environment = Environment(state, IncidentSettings(), " logs")
    environment.learn(progress("gateway", {"shop": 1}), 0.0)
    environment.learn(progress("shop", {ORDERS: 1, "stock": 1}), 0.0)
    environment.learn(progress("billing", {"bank": 1}, {ORDERS: 1}), 0.0)
    environment.learn(progress("mail", {}, {ORDERS: 1}), 0.0)
    return environment


def test_who_sends_and_who_takes_are_neighbours_and_two_consumers_are_not() -> None:
    environment = learned(EnvironmentState("live"))

    assert environment.neighbours("shop") == ["billing", "gateway", ORDERS, "mail", "stock"]
    assert environment.neighbours("billing") == ["bank", "shop"]
    assert environment.neighbours("mail") == ["shop"]


def test_a_queue_that_was_not_known_links() -> None:
    environment = learned(EnvironmentState("live"))

    assert not environment.learn(progress("mail", {}, {ORDERS: 5}), 1.0)
    assert environment.learn(progress("mail", {}, {"kafka returns": 1}), 2.0)
    assert environment.learn(progress("mail", {"smtp": 1}), 3.0)


def test_who_takes_its_own_messages_is_no_neighbour_of_itself() -> None:
    environment = Environment(EnvironmentState("live"), IncidentSettings(), " logs")
    environment.learn(progress("shop", {ORDERS: 1}, {ORDERS: 1}), 0.0)

    assert environment.neighbours("shop") == [ORDERS]


def test_it_goes_on_from_its_state() -> None:
    state = EnvironmentState("live")
    learned(state)

    assert Environment(state, IncidentSettings(), " logs").neighbours("billing") == ["bank", "shop"]


def test_an_application_and_what_it_logs_are_neighbours() -> None:
    environment = Environment(EnvironmentState("live"), IncidentSettings(), " logs")
    for name in ("shop", "shop logs", "bank logs"):
        environment.heard_of(name)

    assert environment.neighbours("shop") == ["shop logs"]
    assert environment.neighbours("shop logs") == ["shop"]
    assert environment.neighbours("bank logs") == []
