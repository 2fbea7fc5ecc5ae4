"""A dead letter keeps what the producer sent, and says which part of us refused it."""

from collections.abc import Callable

import pytest
from aiokafka import ConsumerRecord

from tracehound.schemas.rejection import ErrorName, Rejection
from tracehound.streams.delivery.letters import letter_of, rejection_letter, unpublished_letter
from tracehound.streams.kafka.forwarding import origin_headers
from tracehound.streams.kafka.publisher import Outgoing, RefusedError


def test_a_letter_has_the_records_place_and_key_and_the_producers_headers_alone(
    record: Callable[..., ConsumerRecord],
) -> None:
    own = [("trace", b"1"), ("trace", b"2")]
    refused = record(b"{", 3, 7, b"shop", origin_headers(own, "spans.v1", 1, 9), 5, "executions.v1")
    letter = letter_of(refused, b"{", "decode", "InvalidJson", "It ends early.")
    assert (letter.topic, letter.partition, letter.offset, letter.timestamp_ms) == ("executions.v1", 3, 7, 5)
    assert (letter.value, letter.key, letter.headers) == (b"{", b"shop", own)
    assert (letter.stage, letter.error, letter.reason) == ("decode", "InvalidJson", "It ends early.")


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        ("NullValue", "decode"),
        ("OversizedRecord", "decode"),
        ("InvalidUtf8", "decode"),
        ("InvalidJson", "decode"),
        ("OversizedEvent", "validate"),
        ("MissingField", "validate"),
        ("InvalidSpan", "validate"),
    ],
)
def test_what_is_no_text_was_refused_by_decoding_and_the_rest_by_the_rules(
    record: Callable[..., ConsumerRecord], error: ErrorName, stage: str
) -> None:
    letter = rejection_letter(record(b"[1,2]"), Rejection((1,), b"[2]", error, "Element 1: no."))
    assert (letter.stage, letter.error, letter.reason, letter.value) == (stage, error, "Element 1: no.", b"[2]")


def test_a_record_of_our_own_that_kafka_refuses_is_kept_whole() -> None:
    outgoing = Outgoing("anomalies.v1", b"shop", b"{}", [("content-type", b"json")], None, None)
    letter = unpublished_letter(outgoing, RefusedError("Too large."))
    assert (letter.topic, letter.partition, letter.offset, letter.timestamp_ms) == ("anomalies.v1", -1, -1, 0)
    assert (letter.value, letter.key, letter.headers) == (b"{}", b"shop", [("content-type", b"json")])
    assert (letter.stage, letter.error, letter.reason) == ("publish", "RefusedByBroker", "Too large.")
    assert unpublished_letter(Outgoing("t", None, None, (), 4, 9), RefusedError("No.")).partition == 4
