import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.call_graph import Call, CallGraph
from tracehound.schemas.execution import Execution, QueueWait, Segment, Status
from tracehound.streams.intake import call_counter
from tracehound.streams.intake.call_counter import CallCounter


def execution(
    application: str = "shop",
    *segments: Segment,
    started_s: float = 600.0,
    span_id: str = "a",
    parent: str = "",
    operation: str = "GET /cart",
    environment: str = "",
) -> Execution:
    return Execution(
        application, operation, started_s, 9.0, "t", span_id, parent, environment=environment, segments=list(segments)
    )


def call(peer: str | None, span_id: str | None = None, ms: float = 5.0, remote_ms: float | None = None) -> Segment:
    return Segment("GET /", ms, "http", peer=peer, span_id=span_id, remote_ms=remote_ms)


def test_calls_are_summed_by_window_and_operations() -> None:
    counter = CallCounter(30_000)
    failed = call("stock", "b", 7.0)
    failed.status = "error"
    called = execution("stock", span_id="x", parent="b", operation="GET /items/77")
    for caller in (
        execution("shop", call("stock", "b", 5.0, 4.0), operation="GET /cart/1"),
        execution("shop", failed, call(None), operation="GET /cart/2", started_s=899.9),
        execution("shop", call("stock", "b", 1.0, 0.5), operation="GET /cart/3", started_s=900.0),
    ):
        counter.count([caller, called])

    (graph,) = counter.tell("0/7", 1_000)

    assert (graph.id, graph.application, graph.environment) == ("0/7", "shop", "")
    assert graph.calls == [
        Call(600, "GET /cart/{id}", "stock", "GET /items/{id}", 2, 1, 12.0, 1, 5.0, 4.0),
        Call(900, "GET /cart/{id}", "stock", "GET /items/{id}", 1, 0, 1.0, 1, 1.0, 0.5),
    ]


def test_equal_calls_that_were_made_one_count_each() -> None:
    counter = CallCounter(1)
    many = call("stock", "b", 30.0, 12.0)
    many.count, many.status = 6, "error"
    counter.count([execution("shop", many)])

    (graph,) = counter.tell("", 0)
    assert graph.calls == [Call(600, "GET /cart", "stock", "", 6, 6, 30.0, 6, 30.0, 12.0)]


def test_the_callee_is_the_one_that_the_peer_names() -> None:
    counter = CallCounter(1)
    callees = [
        execution("first", span_id="x", parent="b", operation="GET /first"),
        execution("second", span_id="y", parent="b", operation="GET /second"),
    ]
    calls = (call("second", "b"), call("10.0.0.1", "b"), call("10.0.0.1", "c"), call("10.0.0.1"))

    counter.count([*callees, execution("shop", *calls)])

    ((graph),) = counter.tell("", 0)
    assert [(one.peer, one.peer_operation, one.count) for one in graph.calls] == [
        ("second", "GET /second", 1),
        ("10.0.0.1", "GET /first", 1),
        ("10.0.0.1", "", 2),
    ]


def test_it_is_time_to_tell_after_the_interval_if_there_is_anything() -> None:
    counter = CallCounter(30, told_ms=100)
    assert not counter.due(1_000)
    counter.count([execution("shop", call("stock"))])

    assert not counter.due(float("-inf"))
    assert not counter.due(129)
    assert counter.due(130)
    counter.tell("", 130)
    assert counter.told_ms == 130
    assert not counter.due(1_000)


def test_many_edges_are_told_early() -> None:
    counter = CallCounter(10**9)
    calls = [call(f"peer {number}") for number in range(call_counter.MOST_EDGES)]
    counter.count([execution("shop", *calls[1:])])
    assert not counter.due(float("-inf"))

    counter.count([execution("shop", calls[0], calls[1])])
    assert counter.due(float("-inf"))
    restored = CallCounter(10**9)
    restored.restore(counter.untold())
    assert restored.due(float("-inf"))
    assert sum(len(graph.calls) for graph in counter.tell("", 0)) == call_counter.MOST_EDGES
    assert not counter.due(float("-inf"))


def test_callers_are_told_in_the_order_of_their_names_each_environment_apart() -> None:
    counter = CallCounter(1)
    for application, environment in (("b", ""), ("a", "test"), ("a", "")):
        counter.count([execution(application, call("x"), environment=environment)])

    told = counter.tell("", 0)

    assert [(graph.application, graph.environment) for graph in told] == [("a", ""), ("a", "test"), ("b", "")]


EXECUTIONS = st.lists(
    st.builds(
        lambda application, peer, ms, remote_ms, started_s: execution(
            application, call(peer, "b", ms, remote_ms), call("db"), started_s=started_s
        ),
        st.sampled_from("ab"),
        st.sampled_from("xy"),
        st.floats(0, 1e6),
        st.none() | st.floats(0, 1e6),
        st.sampled_from([0.0, 300.0, 600.5]),
    ),
    max_size=12,
)


@given(EXECUTIONS, EXECUTIONS)
def test_a_counter_that_goes_on_tells_byte_for_byte_what_the_first_would_have(
    before: list[Execution], after: list[Execution]
) -> None:
    first = CallCounter(1)
    for one in before:
        first.count([one])
    untold = first.untold()
    kept = msgspec.msgpack.encode(untold)

    second = CallCounter(1)
    second.restore(msgspec.msgpack.decode(kept, type=list[CallGraph]))
    for one in after:
        first.count([one])
        second.count([one])

    assert msgspec.msgpack.encode(untold) == kept
    assert msgspec.msgpack.encode(second.tell("0/1", 5)) == msgspec.msgpack.encode(first.tell("0/1", 5))


def test_nothing_counted_is_nothing_told() -> None:
    counter = CallCounter(1)
    counter.count([execution("shop", call(None)), execution("stock")])

    assert counter.tell("", 0) == counter.untold() == []
    assert not counter.due(float("inf"))


ORDERS = "kafka orders"


def sent(span_id: str = "p", peer: str = ORDERS, failed: bool = False) -> Segment:
    status: Status = "error" if failed else "unset"
    return Segment("orders publish", 2.0, "queue", status=status, peer=peer, span_id=span_id)


def taken(application: str, parent: str = "p", waited: bool = True, failed: bool = False) -> Execution:
    return Execution(
        *(application, "process orders", 700.0, 9.0, "t", f"of {application}", parent, "consumer"),
        status="error" if failed else "unset",
        queue_wait=QueueWait(ORDERS, 40.0) if waited else None,
    )


def edges(counter: CallCounter) -> list[tuple[str, str, str, str, int, int, str, str]]:
    return [
        (
            graph.application,
            *(one.operation, one.peer, one.peer_operation, one.count, one.errors),
            one.kind,
            one.destination,
        )
        for graph in counter.tell("", 0)
        for one in graph.calls
    ]


def test_a_producer_calls_the_queue_and_leads_to_each_consumer_of_its_messages() -> None:
    counter = CallCounter(1)
    counter.count([execution("shop", sent(failed=True)), taken("billing"), taken("mail", failed=True, waited=False)])

    assert edges(counter) == [
        ("shop", "GET /cart", ORDERS, "", 1, 1, "messaging", ORDERS),
        ("shop", "GET /cart", "billing", "process orders", 1, 0, "messaging", ORDERS),
        ("shop", "GET /cart", "mail", "process orders", 1, 1, "messaging", ORDERS),
    ]


def test_a_consumer_that_is_told_later_than_its_producer_is_counted_once() -> None:
    counter = CallCounter(1)
    producer, consumer = execution("shop", sent()), taken("billing")
    counter.count([producer], [consumer])
    counter.count([consumer], [producer])

    assert [(who, peer, count) for who, _, peer, _, count, *_ in edges(counter)] == [
        ("shop", ORDERS, 1),
        ("shop", "billing", 1),
    ]


def test_where_the_producer_is_not_known_the_queue_stands_for_it() -> None:
    counter = CallCounter(1)
    counter.count([taken("billing", parent=""), taken("mail", parent="elsewhere"), taken("audit", "", waited=False)])

    assert edges(counter) == [
        (ORDERS, "", "billing", "process orders", 1, 0, "messaging", ORDERS),
        (ORDERS, "", "mail", "process orders", 1, 0, "messaging", ORDERS),
    ]


def test_a_tracer_that_names_the_consumer_itself_has_it_counted_once() -> None:
    counter = CallCounter(1)
    counter.count([execution("shop", sent(peer="billing")), taken("billing")])

    assert edges(counter) == [("shop", "GET /cart", "billing", "process orders", 1, 0, "messaging", ORDERS)]
