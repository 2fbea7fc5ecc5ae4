"""Ids and filters of dead letters, and sending them again."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.scripts.commands.dead_letter_topic import LetterFilter, LetterId, StoredLetter, resend_letters

INPUT = "executions.v1"


def stored(offset: int = 0, **changes: Any) -> StoredLetter:
    fields: dict[str, Any] = {
        "value": b"{",
        "key": b"shop",
        "topic": INPUT,
        "partition": 2,
        "offset": 40 + offset,
        "timestamp_ms": 5,
        "stage": "decode",
        "error": "InvalidJson",
        "reason": "It ends early.",
        "headers": [("traceparent", b"00"), ("tracehound_resent", b"older")],
    }
    return StoredLetter(LetterId("dead", 0, offset), 100.0, DeadLetter(**fields | changes))


class FakeProducer:
    """Keeps what it is given; full before every second record; reports a failure if told to."""

    def __init__(self, failure: str | None = None, unacknowledged: int = 0) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []
        self._failure = failure
        self._unacknowledged = unacknowledged
        self._full = False
        self._reports: list[Callable[[Any, Any], None]] = []

    def produce(self, topic: str, **record: Any) -> None:
        self._full = not self._full
        if self._full:
            raise BufferError
        self._reports.append(record.pop("on_delivery"))
        self.records.append((topic, record))

    def poll(self, timeout: float) -> int:
        return 0

    def flush(self, timeout: float) -> int:
        for report in self._reports:
            report(self._failure, None)
        return self._unacknowledged


@pytest.mark.parametrize("text", ["a.b-c.v1-3-17", "3-17"])
def test_ids_are_read_with_and_without_topic(text: str) -> None:
    assert LetterId.parse(text, "a.b-c.v1") == LetterId("a.b-c.v1", 3, 17)


@pytest.mark.parametrize("text", ["", "3", "3-", "other-3-17", "3-x", "-3-17", "3-" + "9" * 30])
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(TracehoundError, match="must be topic-PARTITION-OFFSET"):
        LetterId.parse(text, "topic")


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (LetterFilter(), True),
        (LetterFilter("InvalidJson", "shop", 100.0), True),
        (LetterFilter(error="InvalidField"), False),
        (LetterFilter(application="sho"), False),
        (LetterFilter(since_s=100.5), False),
    ],
)
def test_filters(wanted: LetterFilter, matches: bool) -> None:
    assert wanted(stored()) == matches


def test_a_letter_is_sent_to_its_source_with_key_headers_and_its_id() -> None:
    producer = FakeProducer()
    assert resend_letters([stored(0), stored(1, key=None, value=None)], producer, {INPUT}) == 2
    headers = [("traceparent", b"00"), ("tracehound_resent", b"dead-0-0")]
    assert producer.records[0] == (INPUT, {"value": b"{", "key": b"shop", "headers": headers})
    assert producer.records[1][1]["key"] is None


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (stored(topic="payments"), "must come from executions.v1. It names 'payments' instead."),
        (dataclasses.replace(stored(), cut_from="9"), "must have its whole value. It was cut from 9 bytes."),
    ],
)
def test_only_whole_letters_from_inputs_are_sent(letter: StoredLetter, why: str) -> None:
    producer = FakeProducer()
    with pytest.raises(TracehoundError, match=re.escape(why)):
        resend_letters([letter], producer, {INPUT})
    assert producer.records == []


@pytest.mark.parametrize(
    ("producer", "why"),
    [
        (FakeProducer(failure="too large"), "did not take 1 of 1 records: too large"),
        (FakeProducer(unacknowledged=1), "did not take 1 of 1 records: no acknowledgement"),
    ],
)
def test_what_the_broker_does_not_take_is_said(producer: FakeProducer, why: str) -> None:
    with pytest.raises(BrokerError, match=why):
        resend_letters([stored()], producer, {INPUT})
