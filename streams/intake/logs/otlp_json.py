"""OTLP logs in JSON, read as people write it: names in lowerCamelCase or as they are defined, numbers as texts."""

from collections.abc import Callable, Iterator
from typing import Any

from tracehound.schemas.explanation import excerpt
from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.streams.intake.formats.fields import FieldError, id_bytes, load_json, text_field, whole_number
from tracehound.streams.intake.logs.otlp_record import OtlpRecord, double_value, hex_id

_DEPTH = 16
_LEVELS = ("UNSPECIFIED", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITIES = {"SEVERITY_NUMBER_UNSPECIFIED": 0} | {
    f"SEVERITY_NUMBER_{level}{'' if part == 0 else part + 1}": 4 * number + part + 1
    for number, level in enumerate(_LEVELS[1:])
    for part in range(4)
}
_Get = Callable[..., Any]


def records_of_json(content: bytes) -> Iterator[tuple[dict[str, Any], OtlpRecord | Flaw]]:
    """The log records of a request, each with the attributes of its resource; what is wrong with one costs only it.

    Raises:
        RecordError: it is no JSON, or what holds the records is not as it must be.
    """
    try:
        given = load_json(content)
    except RecursionError:
        raise RecordError("InvalidJson", "the JSON is nested too deeply.") from None
    except ValueError as error:
        raise RecordError("InvalidJson", f"the JSON is malformed: {error}.") from error
    if not isinstance(given, dict):
        raise RecordError("InvalidJson", f"it must be a JSON object. Got {excerpt(given)} instead.")
    if given and not given.keys() & {"resourceLogs", "resource_logs"}:
        names = excerpt(", ".join(list(given)[:30]))
        raise RecordError("ForeignFormat", f"it must hold 'resourceLogs'. Got an object with only the fields {names}.")
    for resource_logs in _objects(given, "resourceLogs", "resource_logs"):
        held = resource_logs.get("resource") or {}
        if not isinstance(held, dict):
            raise RecordError("InvalidField", f"the field 'resource' must be an object. Got {excerpt(held)} instead.")
        resource = _attributes(held.get("attributes"))
        for scope in _objects(resource_logs, "scopeLogs", "scope_logs"):
            for record in _listed(scope, "logRecords", "log_records"):
                yield resource, _record(record)


def _listed(holder: dict[str, Any], name: str, defined: str) -> list[Any]:
    given = holder.get(name, holder.get(defined))
    if given is None:
        return []
    if not isinstance(given, list):
        raise RecordError("InvalidField", f"the field '{name}' must be an array. Got {excerpt(given)} instead.")
    return given


def _objects(holder: dict[str, Any], name: str, defined: str) -> list[dict[str, Any]]:
    given = _listed(holder, name, defined)
    for each in given:
        if not isinstance(each, dict):
            raise RecordError("InvalidField", f"the field '{name}' must hold objects. Got {excerpt(each)} instead.")
    return given


def _record(given: Any) -> OtlpRecord | Flaw:
    if not isinstance(given, dict):
        return Flaw("InvalidField", "", lambda: f"it must be a JSON object. Got {excerpt(given)} instead.")

    def get(name: str, defined: str) -> Any:
        return given.get(name, given.get(defined))

    try:
        return OtlpRecord(
            whole_number("timeUnixNano", get("timeUnixNano", "time_unix_nano")),
            whole_number("observedTimeUnixNano", get("observedTimeUnixNano", "observed_time_unix_nano")),
            whole_number("severityNumber", get("severityNumber", "severity_number"), _SEVERITIES),
            text_field("severityText", get("severityText", "severity_text")),
            _value(given.get("body")),
            _attributes(given.get("attributes")),
            _id("traceId", get("traceId", "trace_id"), 16),
            _id("spanId", get("spanId", "span_id"), 8),
            text_field("eventName", get("eventName", "event_name")),
        )
    except FieldError as error:
        return error.flaw


def _id(name: str, given: object, length: int) -> str:
    try:
        return hex_id(id_bytes(name, given, length), length)
    except FieldError:
        return ""


def _attributes(given: object, depth: int = _DEPTH) -> dict[str, Any]:
    """Names and values; what is wrong with a value costs only that one."""
    attributes: dict[str, Any] = {}
    for pair in given if isinstance(given, list) else ():
        if isinstance(pair, dict) and isinstance(name := pair.get("key") or "", str):
            try:
                attributes[name] = _value(pair.get("value"), depth)
            except FieldError:
                continue
    return attributes


def _value(given: object, depth: int = _DEPTH) -> Any:
    """What an ``AnyValue`` holds; None for one that holds nothing, or that is no such thing."""
    if not isinstance(given, dict) or not depth:
        return None
    for name, content in given.items():
        if content is None:  # as good as absent
            continue
        match name:
            case "stringValue" | "string_value" | "bytesValue" | "bytes_value":
                return text_field(name, content)
            case "boolValue" | "bool_value":
                return _truth(name, content)
            case "intValue" | "int_value":
                return whole_number(name, content)
            case "doubleValue" | "double_value":
                return _double(name, content)
            case "arrayValue" | "array_value" if isinstance(content, dict):
                values = content.get("values")
                return [_value(each, depth - 1) for each in values] if isinstance(values, list) else []
            case "kvlistValue" | "kvlist_value" if isinstance(content, dict):
                return _attributes(content.get("values"), depth - 1)
    return None


def _truth(name: str, given: object) -> bool:
    if isinstance(given, bool):
        return given
    if given in ("true", "false"):
        return given == "true"
    raise FieldError(name, "be true or false", given)


def _double(name: str, given: object) -> float | str:
    if isinstance(given, int | float | str) and not isinstance(given, bool):
        try:
            return double_value(float(given))
        except (ValueError, OverflowError):
            pass
    raise FieldError(name, "be a number", given)
