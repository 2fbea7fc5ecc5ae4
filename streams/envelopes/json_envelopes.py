"""Envelopes around JSON: Kafka Connect's, Debezium's, an outbox's, CloudEvents, and JSON within a JSON string."""

from base64 import b64decode
from dataclasses import dataclass

import msgspec

from tracehound.schemas.explanation import excerpt
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import RecordError
from tracehound.streams.envelopes.packing import is_array_of_objects

Fields = dict[str, msgspec.Raw]
_OBJECT = msgspec.json.Decoder(Fields)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_TEXT = msgspec.json.Decoder(str)
_ANY = msgspec.json.Decoder()
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)

_PER_SECOND = {
    "org.apache.kafka.connect.data.Timestamp": 1e3,
    "io.debezium.time.Timestamp": 1e3,
    "io.debezium.time.MicroTimestamp": 1e6,
    "io.debezium.time.NanoTimestamp": 1e9,
}
"""How Connect's schemas say that a whole number is a time since the epoch."""
_NEW_ROWS = ("c", "r")


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in an envelope, and what that is called."""

    content: bytes
    within: str

    def told(self, reason: str) -> str:
        """Why what is within was refused, with what it was in.

        >>> Opened(b"{}", "a CloudEvent").told("The field 'operation' is required.")
        "Within a CloudEvent: the field 'operation' is required."
        """
        return f"Within {self.within}: {reason[0].lower()}{reason[1:]}"


def opened_json(content: bytes) -> Opened | None:
    """What is in one envelope, or in all of an array of them; None where there is none.

    Raises:
        RecordError: it is one, but holds nothing that could be an execution.

    >>> opened_json(b'{"specversion":"1.0","type":"t","data":{"application":"shop"}}')
    Opened(content=b'{"application":"shop"}', within='a CloudEvent')
    >>> opened_json(b'{"application":"shop"}')
    """
    try:
        match content.lstrip(BLANK)[:1]:
            case b'"':
                return Opened(_TEXT.decode(content).encode(), "a JSON string")
            case b"{":
                return _of_object(_OBJECT.decode(content))
            case b"[" if is_array_of_objects(content):
                return _of_array(_LIST.decode(content))
    except _ERRORS:
        pass  # it is no JSON, which whoever reads it says better
    return None


def _of_array(elements: list[msgspec.Raw]) -> Opened | None:
    inner: list[bytes] = []
    name = ""
    for element in elements:
        one = opened_json(bytes(element))
        if one is None:
            return None
        name = one.within
        if one.content.lstrip(BLANK)[:1] == b"[":
            inner += map(bytes, _LIST.decode(one.content))
        else:
            inner.append(bytes(_VALUE.decode(one.content)))
    return Opened(b"[" + b",".join(inner) + b"]", f"an array, each element in {name}") if inner else None


def _of_object(fields: Fields) -> Opened | None:
    if "specversion" in fields and "type" in fields:
        return _of_cloud_event(fields)
    if len(fields) == 2 and "schema" in fields and "payload" in fields:
        return Opened(_timed(fields["payload"], fields["schema"]), "an envelope of Kafka Connect")
    if "op" in fields and ("after" in fields or "before" in fields):
        return _of_change(fields)
    if "payload" in fields and ("aggregatetype" in fields or "aggregate_type" in fields):
        return Opened(bytes(fields["payload"]), "a row of an outbox")
    return None


def _of_cloud_event(fields: Fields) -> Opened:
    if "data" in fields:
        return Opened(bytes(fields["data"]), "a CloudEvent")
    if "data_base64" in fields:
        return Opened(b64decode(_TEXT.decode(fields["data_base64"]), validate=True), "a CloudEvent")
    kind = excerpt(_ANY.decode(fields["type"]))
    raise RecordError(
        "ForeignFormat", f"the value must be an execution. Got a CloudEvent without data, of type {kind}."
    )


def _of_change(fields: Fields) -> Opened:
    op = _ANY.decode(fields["op"])
    if op not in _NEW_ROWS or "after" not in fields:
        raise RecordError(
            "ForeignFormat",
            "the value must be an execution. Got a change event of Debezium that is no new row "
            f"(op {excerpt(op)}; 'c' and 'r' are read), and an execution does not change.",
        )
    return Opened(bytes(fields["after"]), "a change event of Debezium")


def _timed(payload: msgspec.Raw, schema: msgspec.Raw) -> bytes:
    """The payload with ``started_at`` in seconds, where the schema says that it counts something else."""
    content = bytes(payload)
    if not any(name.encode() in bytes(schema) for name in _PER_SECOND):
        return content
    try:
        value, declared = _ANY.decode(content), _ANY.decode(schema)
        return content if not _in_seconds(value, declared) else msgspec.json.encode(value)
    except (*_ERRORS, AttributeError, TypeError):  # the schema may hold anything
        return content


def _in_seconds(value: dict[str, object], declared: dict[str, list[dict[str, str]]]) -> bool:
    """Whether a time in this row, or in the one that it holds, was changed."""
    changed = False
    for field in declared.get("fields", ()):
        name = field.get("field", "")
        given = value.get(name)
        per_second = _PER_SECOND.get(field.get("name", ""))
        if name == "started_at" and per_second and type(given) is int:
            value[name] = given / per_second
            changed = True
        elif name == "after" and isinstance(given, dict):
            changed |= _in_seconds(given, field)  # type: ignore[arg-type] # a schema within the schema
    return changed
