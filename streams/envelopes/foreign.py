"""What a value is that is no execution in any envelope: said by name, where it is known."""

import re

import msgspec

from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import RecordError
from tracehound.streams.envelopes.packing import is_array_of_objects

_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)
_SPANS = "spans of {}: they belong on a topic of the setting 'intake.otlp_topics'"
_KNOWN: tuple[tuple[tuple[str, ...], str], ...] = (
    (("resourceSpans",), _SPANS.format("OTLP")),
    (("resource_spans",), _SPANS.format("OTLP")),
    (("resourceMetrics",), "OTLP metrics, which are not read"),
    (("resourceLogs",), "OTLP logs, which are not read"),
    (("traceId", "id"), _SPANS.format("Zipkin")),
    (("operationName", "spanId"), _SPANS.format("Jaeger")),
    (("schemaChanges",), "a change of a schema by Debezium"),
    (("ddl", "databaseName"), "a change of a schema by Debezium"),
)
_NAMES = frozenset(name for names, _ in _KNOWN for name in names)
_MOST_LINES = 1_000


def tell_foreign(content: bytes) -> None:
    """Say what the bytes are, if that is known.

    Raises:
        RecordError: it is.

    >>> tell_foreign(b'{"resourceSpans":[]}')
    Traceback (most recent call last):
    ...
    tracehound.schemas.rejection.RecordError: the value must be an execution. Got spans of OTLP: they belong ...
    """
    first = content.lstrip(BLANK)[:1]
    if first == b"{" or is_array_of_objects(content):
        told = _json(content, first)
    elif first == b"[":
        told = ""
    elif content and _NO_TEXT.search(content):
        told = (
            f"{len(content)} bytes that begin with {content[:8].hex(' ')} instead: no text, so no JSON. What may be "
            "Avro or Protobuf is read with the framing of a schema registry, where its schema is at hand"
        )
    else:
        told = ""
    if told:
        raise RecordError("ForeignFormat", f"the value must be an execution. Got {told}.")


def _json(content: bytes, first: bytes) -> str:
    try:
        fields = _OBJECT.decode(content if first == b"{" else _LIST.decode(content)[0])
    except IndexError:
        return ""
    except _ERRORS:
        return _lines(content)
    if _NAMES.isdisjoint(fields):
        return ""
    return next((what for names, what in _KNOWN if all(name in fields for name in names)), "")


def _lines(content: bytes) -> str:
    """JSON lines: several values, each on a line of its own."""
    lines = [line for line in content.split(b"\n") if line.strip(BLANK)]
    if not 2 <= len(lines) <= _MOST_LINES:
        return ""
    try:
        for line in lines:
            _OBJECT.decode(line)
    except _ERRORS:
        return ""
    return f"{len(lines)} JSON objects on lines of their own: send an array of them, or each as a record"
