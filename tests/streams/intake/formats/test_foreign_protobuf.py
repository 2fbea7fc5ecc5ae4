"""Protobuf of other messages is told, whatever it looks like: none passes for an empty record."""

from collections import Counter
from random import Random

import pytest

from tests.streams.intake.formats.otlp.otlp_records import as_protobuf, attribute, good_span, record_of
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.wire import framed

LIMITS = SpanLimits()
MESSAGES = 30_000
WORDS = (
    b"order user amount EUR pending shop GET /x main 2026-11-29T10:00:00Z "
    b"550e8400-e29b-41d4-a716-446655440000 http://shop/a"
).split()
NUMBERS = (b"\x00", b"\x01", b"\xac\x02", b"\x80\x80\x80\x80\x20")


def message(chance: Random, depth: int = 0) -> bytes:
    """A message of some schema: numbers, texts, ids, and messages in it, with fields in order."""
    written, number = b"", 0
    for _ in range(chance.randint(min(1, 1 - depth), 6)):
        number = number + chance.choice((0, 1, 1, 1, 2)) or 1
        match chance.randrange(8):
            case 0:
                written += bytes([number << 3]) + chance.choice(NUMBERS)
            case 1:
                written += bytes([number << 3 | 1]) + chance.randbytes(8)
            case 2 | 3:
                written += framed(number, chance.choice(WORDS) * chance.randint(1, 2))
            case 4:
                written += framed(number, chance.randbytes(chance.choice((0, 4, 8, 16, 20))))
            case _ if depth < 4:
                written += framed(number, message(chance, depth + 1))
    return written


def is_hollow(content: bytes) -> bool:
    """Whether a message holds nothing but empty messages, which is what an empty request is."""
    return not content.translate(None, b"\x0a\x12\x1a\x00\x02\x04\x06\x08\x0c\x0e\x10")


def test_no_message_of_another_schema_vanishes() -> None:
    """30,000 messages with the same seed; of a million such ones one passed, as an unfinished span of Zipkin."""
    chance = Random(2026)
    ended: Counter[str] = Counter()
    vanished = []
    for _ in range(MESSAGES):
        value = message(chance)
        decoded = decode_spans(value, LIMITS)
        ended["told" if decoded.rejected else "taken" if decoded.spans else "nothing"] += 1
        if not decoded.rejected and not decoded.spans and not is_hollow(value):
            vanished.append(value.hex())
    assert vanished == []
    assert ended["told"] > 0.98 * MESSAGES
    assert ended["taken"] <= 1


@pytest.mark.parametrize(
    "value",
    [
        framed(1, framed(3, b"EUR")),
        framed(1, b"" + framed(2, framed(1, b"2026-11-29T10:00:00Z"))),
        framed(1, framed(1, b"\x10\x05")),
        framed(1, framed(1, framed(1, framed(1, b"id") + framed(2, b"text")))),
        framed(1, b"550e8400-e29b-41d4-a716-446655440000") + framed(2, b"Anna"),
        framed(1, b"550e8400-e29b-41d4-a716-446655440000") + framed(2, b"Anna") + framed(4, b"Smith"),
        framed(1, framed(1, b"12345678") + framed(3, b"12345678")) + b"\x18\x01",
        framed(1, b"1" * 16) + framed(2, b"2" * 8) + framed(6, b"\x08\x05"),
    ],
    ids=["a currency", "a time", "a number", "a table", "a person", "a full name", "two keys", "ids"],
)
def test_messages_that_look_like_spans_are_told(value: bytes) -> None:
    decoded = decode_spans(value, LIMITS)

    assert decoded.spans == decoded.unfinished == 0
    assert [each.value_bytes for each in decoded.rejected] == [value]


def test_a_request_without_spans_is_nothing() -> None:
    record = record_of()
    record.resource_spans[0].resource.attributes.append(attribute("process.pid", 7))
    record.resource_spans[0].resource.dropped_attributes_count = 3
    record.resource_spans[0].schema_url = "https://opentelemetry.io/schemas/1.40.0"
    record.resource_spans[0].scope_spans[0].scope.name = "example"

    decoded = decode_spans(as_protobuf(record), LIMITS)

    assert (decoded.rejected, decoded.format) == ([], "OTLP Protobuf")
    assert decode_spans(as_protobuf(record_of(good_span())), LIMITS).spans == 1
