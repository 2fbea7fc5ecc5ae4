"""What is told of a dead letter."""

import json
from base64 import b64encode
from typing import Any

import msgspec
from sqlalchemy import Row

from tracehound.console.web.times import moment


class DeadLetter(msgspec.Struct):
    """A record that could not be used: where it was, and why.

    ``key_text`` is its key as text, whatever is none replaced; null where it had none. ``bytes`` counts value, key and
    headers.
    """

    id: str
    time: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_time: str
    stage: str
    error: str
    reason: str
    key_text: str | None
    bytes: int


class WholeDeadLetter(DeadLetter):
    """A dead letter with its original bytes, base64; ``value_text`` shows the first 20,000 of them as text."""

    format: str
    key: str | None
    value: str | None
    value_text: str | None
    headers: list[tuple[str, str]]
    resendable: bool
    why_not: str


_SHOWN_BYTES = 20_000
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_000_000


def letter_told(row: Row[Any]) -> str:
    """A dead letter of a list, as JSON."""
    return msgspec.json.encode(DeadLetter(**_head(row))).decode()


def whole_letter_told(row: Row[Any], why_not: str) -> WholeDeadLetter:
    """A dead letter whole; ``why_not`` says why it cannot be sent again, and is empty where it can."""
    return WholeDeadLetter(
        **_head(row),
        format=row.format,
        key=None if row.key is None else b64encode(row.key).decode(),
        value=None if row.value is None else b64encode(row.value).decode(),
        value_text=_text(None if row.value is None else row.value[:_SHOWN_BYTES]),
        headers=[(name, content) for name, content in json.loads(row.headers)],
        resendable=not why_not,
        why_not=why_not,
    )


def _head(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "time": moment(row.time_us),
        "source_topic": row.source_topic,
        "source_partition": row.source_partition,
        "source_offset": row.source_offset,
        "source_time": moment(min(max(row.source_time_us, _EARLIEST_US), _LATEST_US)),
        "stage": row.stage,
        "error": row.error,
        "reason": row.reason,
        "key_text": _text(row.key),
        "bytes": row.bytes,
    }


def _text(content: bytes | None) -> str | None:
    return None if content is None else bytes(content).decode(errors="replace")
