"""Dead letters on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tracehound.schemas.dead_letter import DeadLetter, DeadLetterHeaders, read_dead_letter
from tracehound.schemas.json_schema import json_schema

OWN_HEADERS = st.lists(st.tuples(st.text("abc-", min_size=1), st.binary()), max_size=3)


@given(value=st.none() | st.binary(), key=st.none() | st.binary(), headers=OWN_HEADERS, reason=st.text())
def test_a_dead_letter_survives_the_wire(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], reason: str
) -> None:
    letter = DeadLetter(value, key, "executions.v1", 3, 7, -1, "decode", "InvalidJson", reason, headers)
    wire = letter.wire_headers()
    assert wire[: len(headers)] == headers
    assert read_dead_letter(value, key, wire) == letter


def test_headers_fit_their_schema() -> None:
    letter = DeadLetter(b"", None, "executions.v1", 3, 7, 12, "decode", "InvalidJson", "It ends early.")
    headers = {name: content.decode() for name, content in letter.wire_headers()}
    schema = Draft202012Validator(json_schema(DeadLetterHeaders))
    assert list(schema.iter_errors(headers)) == []
    assert not schema.is_valid(headers | {"tracehound_offset": "x"})


def test_a_record_without_our_headers_is_no_dead_letter() -> None:
    with pytest.raises(ValueError, match="tracehound_topic"):
        read_dead_letter(b"", None, [("content-type", b"text/plain")])
