"""How long messages waited in a queue, by whatever spans say of it."""

import pytest

from tests.streams.intake.conftest import START_NS, make_chunk, make_span
from tracehound.schemas.execution import QueueWait
from tracehound.schemas.spans import Links, Message, Span
from tracehound.streams.intake.assembly.assemble import Assembled, assemble

PROCESSES = Message("kafka orders", "billing")


def sent(own_id: str = "p", end_ms: float = 5.0) -> tuple[str, Span]:
    message = Message("kafka orders", does="send")
    return "shop", make_span(
        own_id, "x", end_ms - 5.0, 5, "producer", "orders send", remote_parent=True, message=message
    )


def taken(
    parent_id: str = "p", start_ms: float = 45.0, message: Message | None = PROCESSES, links: Links = ()
) -> tuple[str, Span]:
    if links:
        message = Message("kafka orders", "billing", links=links)
    return "billing", make_span("k", parent_id, start_ms, 3, "consumer", "process", remote_parent=True, message=message)


def joined(*spans: tuple[str, Span], elsewhere: dict[tuple[str, str], float] | None = None) -> Assembled:
    """What becomes of spans, where those ``elsewhere`` ended so many milliseconds after the start."""
    known = {key: START_NS + int(end_ms * 1e6) for key, end_ms in (elsewhere or {}).items()}
    return assemble("t", [make_chunk(*spans)], sent_at=lambda trace, span: known.get((trace, span)))


def wait_of(found: Assembled) -> QueueWait | None:
    (wait,) = [one.queue_wait for one in found.executions if one.application == "billing"]
    return wait


def counts(found: Assembled) -> tuple[int, int, int]:
    return found.waits.measured, found.waits.clipped, found.waits.unknown


def test_a_message_waits_from_the_end_of_its_sending_to_the_begin_of_its_consumer() -> None:
    found = joined(sent(), taken())

    assert wait_of(found) == QueueWait("kafka orders", 40.0, "billing")
    assert [one.queue_wait for one in found.executions if one.application == "shop"] == [None]
    assert counts(found) == (1, 0, 0)


def test_the_queue_is_the_senders_where_the_consumer_does_not_name_it() -> None:
    assert wait_of(joined(sent(), taken(message=None))) == QueueWait("kafka orders", 40.0)


@pytest.mark.parametrize(("start_ms", "clipped"), [(4.5, 0), (3.0, 1), (-2_000.0, 1)])
def test_what_was_taken_before_it_was_sent_waited_0_and_is_counted(start_ms: float, clipped: int) -> None:
    found = joined(sent(), taken(start_ms=start_ms))

    assert wait_of(found) == QueueWait("kafka orders", 0.0, "billing")
    assert counts(found) == (1 - clipped, clipped, 0)


def test_a_sender_may_be_linked_instead_of_being_the_parent() -> None:
    assert wait_of(joined(sent(), taken("", links=(("t", "p"),)))) == QueueWait("kafka orders", 40.0, "billing")


def test_a_sender_in_another_trace_or_one_that_is_closed_is_remembered() -> None:
    other, closed = {("other", "p"): 5.0}, {("t", "p"): 25.0}

    assert wait_of(joined(taken("", links=(("other", "p"),)), elsewhere=other)) == QueueWait(
        "kafka orders", 40.0, "billing"
    )
    assert wait_of(joined(taken(), elsewhere=closed)) == QueueWait("kafka orders", 20.0, "billing")


def test_a_batch_waited_as_long_as_the_oldest_of_its_messages() -> None:
    elsewhere = {("a", "1"): 10.0, ("b", "2"): 15.0}
    links = (("a", "1"), ("b", "2"), ("c", "3"))

    found = joined(taken("", links=links), elsewhere=elsewhere)

    assert wait_of(found) == QueueWait("kafka orders", 35.0, "billing")
    assert counts(found) == (2, 0, 1)


def test_a_poll_that_encloses_its_messages_has_their_waits() -> None:
    poll = make_span("r", "", 0, 60, "client", "poll orders", message=Message("kafka orders", does="receive"))
    messages = [
        make_span(
            f"m{n}",
            "r",
            50,
            5,
            "consumer",
            "process orders",
            remote_parent=False,
            message=Message("kafka orders", links=(("other", str(n)),)),
        )
        for n in range(2)
    ]
    elsewhere = {("other", "0"): 20.0, ("other", "1"): 30.0}

    found = joined(*(("billing", span) for span in (poll, *messages)), elsewhere=elsewhere)

    assert wait_of(found) == QueueWait("kafka orders", 30.0)


@pytest.mark.parametrize("late", [False, True])
def test_a_wait_whose_begin_nobody_knows_is_counted_as_unknown(late: bool) -> None:
    found = assemble("t", [make_chunk(taken())], late)

    assert wait_of(found) is None
    assert counts(found) == (0, 0, 1)


def test_what_the_library_says_of_the_time_in_the_queue_goes_first() -> None:
    said = Message("kafka orders", "billing", waited_ms=1_200.0)
    queued = Message("kafka orders", "billing", queued_s=START_NS / 1e9 - 2.0)

    assert wait_of(joined(sent(), taken(message=said))) == QueueWait("kafka orders", 1_200.0, "billing")
    assert wait_of(joined(taken(message=queued))) == QueueWait("kafka orders", 2_045.0, "billing")
    assert wait_of(joined(sent(), taken(message=queued))) == QueueWait("kafka orders", 40.0, "billing")


def test_a_consumer_that_no_sender_leads_to_has_no_wait() -> None:
    begun = ("shop", make_span("p", "", 0, 5, "internal", "cron"))

    assert wait_of(joined(begun, taken())) is None


def test_two_groups_of_one_topic_are_two_operations_with_waits_of_their_own() -> None:
    audit = make_span("l", "p", 90, 3, "consumer", "process [audit]", remote_parent=True)
    audit.message = Message("kafka orders", "audit")

    found = joined(sent(), taken(), ("ledger", audit))

    assert [one.queue_wait for one in found.executions if one.queue_wait] == [
        QueueWait("kafka orders", 40.0, "billing"),
        QueueWait("kafka orders", 85.0, "audit"),
    ]


@pytest.mark.parametrize("kind", ["client", "consumer"])
@pytest.mark.parametrize("parent_id", ["", "p", "lost"])
def test_what_only_settles_messages_begins_nothing(kind: str, parent_id: str) -> None:
    settles = Message("rabbitmq orders", does="settle", links=(("t", "p"),))
    settled = make_span("s", parent_id, 50, 1, kind, "ack orders", remote_parent=True, message=settles)  # type: ignore[arg-type]

    assert [one.application for one in joined(sent(), ("billing", settled)).executions] == ["shop"]


def test_settling_within_the_work_is_a_segment_of_it() -> None:
    settles = Message("rabbitmq orders", does="settle")
    settled = make_span("s", "k", 47, 1, "client", "ack orders", remote_parent=False, message=settles, segment="queue")

    made = joined(sent(), taken(), ("billing", settled)).executions[-1]

    assert [(segment.name, segment.kind) for segment in made.segments] == [("ack orders", "queue")]
