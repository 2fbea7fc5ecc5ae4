"""Spans that wait for messages or take them: what begins an execution, and how long it lasts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.intake.conftest import START_NS, make_chunk, make_span
from tracehound.schemas.execution import Execution, ExecutionFailure, QueueWait
from tracehound.schemas.spans import Message, Span
from tracehound.streams.intake.assembly.assemble import assemble

RECEIVES = Message("kafka orders", "billing", "receive")
PROCESSES = Message("kafka orders", "billing")


def executions(*spans: tuple[str, Span]) -> list[Execution]:
    return assemble("t", [make_chunk(*spans)]).executions


def begun_ms(execution: Execution) -> float:
    return round((execution.started_s - START_NS / 1e9) * 1e3, 3)


def sent() -> tuple[str, Span]:
    return "shop", make_span(
        "p", "x", 0, 5, "producer", "orders send", remote_parent=True, message=Message("kafka orders")
    )


def test_what_a_receive_hands_on_begins_instead_of_it() -> None:
    links = (("other", "p"),)
    received = make_span("r", "", 10, 0.2, "consumer", "recv", message=Message(does="receive"))
    processed = make_span("s", "r", 10.1, 300, "consumer", "orders process", remote_parent=False, message=PROCESSES)
    call = make_span("c", "s", 290, 15, "client", "GET")
    processed.message = Message("kafka orders", "billing", links=links)

    (made,) = executions(("billing", received), ("billing", processed), ("billing", call))

    assert (made.span_id, made.operation, made.kind, made.duration_ms) == ("s", "orders process", "consumer", 300.0)
    assert [segment.name for segment in made.segments] == ["GET"]


@pytest.mark.parametrize("duration_ms", [0.0, 0.001])
def test_a_consumer_of_no_length_stands_for_the_moment_a_message_was_taken(duration_ms: float) -> None:
    taken = make_span("k", "p", 20, duration_ms, "consumer", "poll", remote_parent=True, message=RECEIVES)
    work = make_span("w", "k", 22, 4, None, "on-order")
    query = make_span("q", "w", 23, 1, "internal", "SELECT")

    made = executions(sent(), ("billing", taken), ("billing", work), ("billing", query))[-1]

    assert (made.application, made.operation, made.kind) == ("billing", "on-order", "consumer")
    assert (made.parent_span_id, made.duration_ms) == ("p", 4.0)
    assert [segment.name for segment in made.segments] == ["SELECT"]


def test_a_poll_that_encloses_what_it_took_is_one_batch() -> None:
    poll = make_span("r", "", 0, 22, "client", "poll orders", message=RECEIVES, is_error=1)
    messages = [
        make_span(f"m{n}", "r", 5 + n, 10, "consumer", "process orders", remote_parent=False, message=PROCESSES)
        for n in range(3)
    ]
    query = make_span("q", "r", 6, 3, "client", "SELECT")

    (made,) = executions(*(("billing", span) for span in (poll, *messages, query)))

    assert (made.span_id, made.kind, made.status) == ("r", "consumer", "error")
    assert (begun_ms(made), made.duration_ms) == (5.0, 17.0)  # not the time that it waited for them
    assert [segment.kind for segment in made.segments] == ["code", "code", "db", "code"]
    assert all(segment.peer is None for segment in made.segments)


def test_waiting_for_a_message_is_no_work() -> None:
    waited = make_span("r", "p", -600_000, 600_020, "consumer", "orders receive", remote_parent=True, message=RECEIVES)

    made = next(one for one in executions(sent(), ("billing", waited)) if one.application == "billing")

    assert (made.operation, made.parent_span_id) == ("orders receive", "p")
    assert (begun_ms(made), made.duration_ms) == (5.0, 15.0)  # from when it was sent


def test_a_poll_whose_messages_are_worked_on_elsewhere_has_no_length() -> None:
    polled = Message("kafka orders", "billing", "receive", links=(("other", "p"),))

    (made,) = executions(("billing", make_span("r", "", 20, 600_000, "consumer", "orders receive", message=polled)))

    assert (begun_ms(made), made.duration_ms) == (600_020.0, 0.0)


@pytest.mark.parametrize("calls", [False, True])
def test_a_listener_that_is_called_receive_works_from_its_begin_to_its_end(calls: bool) -> None:
    listener = make_span("r", "p", 20, 300, "consumer", "orders receive", remote_parent=True, message=RECEIVES)
    query = make_span("q", "r", 220, 30, "client", "SELECT")

    made = executions(sent(), ("billing", listener), *([("billing", query)] if calls else []))[-1]

    assert (begun_ms(made), made.duration_ms) == (20.0, 300.0)
    assert made.queue_wait == QueueWait("kafka orders", 15.0, "billing")


@pytest.mark.parametrize("began_ms", [16.0, 20.1, 20.3])
def test_what_ends_before_its_first_call_begins_lasts_until_that_is_done(began_ms: float) -> None:
    taken = make_span("r", "p", 20, 0.1, "consumer", "orders receive", remote_parent=True, message=RECEIVES)
    query = make_span("q", "r", began_ms, 200, "client", "SELECT")

    made = executions(sent(), ("billing", taken), ("billing", query))[-1]

    assert made.duration_ms == pytest.approx(began_ms + 180.0)


@pytest.mark.parametrize(
    ("kind", "links", "begins"), [("consumer", True, 1), ("consumer", False, 0), ("client", False, 0)]
)
def test_a_poll_that_brought_nothing_begins_nothing(kind: str, links: bool, begins: int) -> None:
    message = Message("kafka orders", does="receive", links=(("other", "p"),) if links else ())
    polled = make_span("r", "", 0, 100, kind, "orders poll", message=message)  # type: ignore[arg-type]

    assert len(executions(("billing", polled))) == begins


def test_a_request_that_asks_for_messages_stays_one() -> None:
    request = make_span("a", "", 0, 50)
    polled = make_span("r", "a", 10, 30, "client", "orders receive", message=RECEIVES)
    inner = make_span("i", "r", 11, 5, "internal", "decode")

    (made,) = executions(("shop", request), ("shop", polled), ("shop", inner))

    assert (made.operation, made.duration_ms) == ("GET /a", 50.0)
    assert [(one.name, one.duration_ms) for one in made.segments] == [("orders receive", 30.0), ("decode", 5.0)]


def test_a_consumer_lasts_until_what_it_began_is_done_and_fails_if_that_failed() -> None:
    taken = make_span("k", "p", 20, 3, "consumer", "orders process", remote_parent=True, message=PROCESSES)
    call = make_span("c", "k", 21, 40, "client", "GET", is_error=1, error=ExecutionFailure("Timeout", "slow"))

    made = executions(sent(), ("billing", taken), ("billing", call))[-1]

    assert (made.duration_ms, made.status, made.error) == (41.0, "error", ExecutionFailure("Timeout", "slow"))


def test_a_consumer_that_ended_after_a_failed_call_handled_it() -> None:
    taken = make_span("k", "p", 20, 90, "consumer", "orders process", remote_parent=True, message=PROCESSES)
    call = make_span("c", "k", 21, 40, "client", "GET", is_error=1)

    made = executions(sent(), ("billing", taken), ("billing", call))[-1]

    assert (made.duration_ms, made.status) == (90.0, "unset")


def test_a_server_does_not_last_until_what_it_left_running_is_done() -> None:
    request = make_span("a", "", 0, 5)
    task = make_span("b", "a", 4, 300, "internal", "BackgroundTask", is_error=1)

    (made,) = executions(("shop", request), ("shop", task))

    assert (made.duration_ms, made.status) == (5.0, "unset")


@pytest.mark.parametrize("consumers", [[], ["billing"], ["audit", "billing"]])
def test_a_message_is_sent_to_its_queue_whoever_takes_it_and_when(consumers: list[str]) -> None:
    spans = [("shop", make_span("a", "", 0, 9)), ("shop", sent()[1])]
    spans[1][1].parent_id, spans[1][1].remote_parent, spans[1][1].peer = "a", False, "kafka orders"
    taken = [(name, make_span(name, "p", 20, 3, "consumer", "process", remote_parent=True)) for name in consumers]

    (segment,) = executions(*spans, *taken)[0].segments

    assert (segment.kind, segment.peer, segment.remote_ms) == ("queue", "kafka orders", None)


def test_where_tracers_know_the_consumer_it_is_the_peer() -> None:
    spans = [("shop", make_span("a", "", 0, 9)), ("shop", sent()[1])]
    spans[1][1].parent_id, spans[1][1].message = "a", Message("kafka orders", by_consumer=True)
    taken = ("billing", make_span("k", "p", 20, 3, "consumer", "process"))

    (segment,) = executions(*spans, taken)[0].segments

    assert segment.peer == "billing"


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(-1e4, 1e4), st.booleans(), st.sampled_from(["p", ""]))
def test_whatever_the_times_no_length_is_below_zero(
    begun_ms: float, lasts_ms: float, calls_ms: float, links: bool, parent: str
) -> None:
    message = Message("kafka orders", does="receive", links=(("other", "p"),) if links else ())
    taken = make_span("r", parent, begun_ms, lasts_ms, "consumer", "orders receive", message=message)
    query = make_span("q", "r", begun_ms + calls_ms, 1, "client", "SELECT")

    for spans in ([sent(), ("billing", taken)], [sent(), ("billing", taken), ("billing", query)]):
        assert all(one.duration_ms >= 0 for one in executions(*spans))
