import pytest

from tracehound.schemas.execution import Execution, Segment, SegmentKind
from tracehound.schemas.spans import Span
from tracehound.streams.intake import peer_names
from tracehound.streams.intake.peer_names import PeerNames


def call(
    peer: str, name: str = "GET", kind: SegmentKind = "http", at: str = "10.0.0.7:8080", **of: str
) -> tuple[Execution, Span]:
    """An execution with one call of an address, and its span; ``peer`` is the callee's service, where it is known."""
    segment = Segment(name, 3.0, kind, peer=peer or at, span_id="b")
    execution = Execution(of.get("application", "shop"), "GET /", 0.0, 5.0, segments=[segment])
    execution.environment = of.get("environment", "")
    return execution, Span("", name, -1, None, 3e3, id="b", peer=at)


def named(names: PeerNames, *calls: tuple[Execution, Span]) -> list[str | None]:
    for execution, span in calls:
        names.name([execution], [span])
    return [execution.segments[0].peer for execution, _ in calls]


def test_a_peer_has_one_name_whether_the_callees_spans_came_or_not() -> None:
    names = PeerNames()

    assert named(names, call(""), call("stock"), call(""), call("stock"), call("")) == [
        "10.0.0.7:8080",
        "stock",
        "stock",
        "stock",
        "stock",
    ]


def test_who_answers_is_known_by_caller_environment_address_and_what_is_called() -> None:
    names = PeerNames()
    named(names, call("stock", "GET /stock"))

    others = [
        call("", "GET /price"),
        call("", "GET /stock", at="gateway"),
        call("", "GET /stock", application="web"),
        call("", "GET /stock", environment="test"),
    ]
    assert named(names, *others) == ["10.0.0.7:8080", "gateway", "10.0.0.7:8080", "10.0.0.7:8080"]


def test_behind_an_address_of_several_nobody_is_guessed() -> None:
    names = PeerNames()

    assert named(names, call("stock", at="gateway"), call("cart", at="gateway"), call("", at="gateway")) == [
        "stock",
        "cart",
        "gateway",
    ]
    assert named(names, call("cart", at="gateway")) == ["cart"]


def test_a_queue_that_several_take_from_is_called_by_its_name() -> None:
    names = PeerNames()
    queue = {"name": "send orders", "kind": "queue", "at": "kafka orders"}
    found = named(names, *(call(peer, **queue) for peer in ("billing", "", "mail", "billing", "")))  # type: ignore[arg-type]

    assert found == ["billing", "billing", "kafka orders", "kafka orders", "kafka orders"]


def test_what_is_known_comes_back_and_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_names, "MOST", 2)
    names = PeerNames()
    named(names, call("a", at="1"), call("b", at="2"), call("c", at="3"))

    restored = PeerNames(names.packed())

    assert restored.packed() == names.packed()
    assert named(restored, call("", at="1"), call("", at="2"), call("", at="3")) == ["1", "b", "c"]
