"""OTLP logs in Protobuf: ``LogsData`` or ``ExportLogsServiceRequest``, which look the same."""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.streams.intake.formats.declared import as_text, declare
from tracehound.streams.intake.logs.otlp_record import OtlpRecord, bytes_value, double_value, hex_id

_LOGS = declare(
    "tracehound.otlp.logs",
    {
        "LogsData": "resource_logs 1 *ResourceLogs",
        "ResourceLogs": "resource 1 Resource, scope_logs 2 *ScopeLogs",
        "Resource": "attributes 1 *KeyValue",
        "ScopeLogs": "log_records 2 *LogRecord",
        "LogRecord": "time_unix_nano 1 fixed64, severity_number 2 int32, severity_text 3 string, body 5 AnyValue,"
        "attributes 6 *KeyValue, trace_id 9 bytes, span_id 10 bytes, observed_time_unix_nano 11 fixed64,"
        "event_name 12 string",
        "KeyValue": "key 1 string, value 2 AnyValue",
        "AnyValue": "string_value 1 string, bool_value 2 bool, int_value 3 int64, double_value 4 double,"
        "array_value 5 ArrayValue, kvlist_value 6 KeyValueList, bytes_value 7 bytes",
        "ArrayValue": "values 1 *AnyValue",
        "KeyValueList": "values 1 *KeyValue",
    },
)
"""The fields that are read, from opentelemetry-proto, ``logs/v1/logs.proto`` and ``common/v1/common.proto``."""


def records_of_protobuf(content: bytes) -> Iterator[tuple[dict[str, Any], OtlpRecord | Flaw]]:
    """The log records of a message, each with the attributes of its resource.

    Raises:
        RecordError: the bytes are no message.
    """
    try:
        message = _LOGS.LogsData.FromString(content)
    except DecodeError as error:
        raise RecordError("InvalidProtobuf", f"the Protobuf is malformed: {error}.") from error
    for resource_logs in message.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope in resource_logs.scope_logs:
            for record in scope.log_records:
                yield resource, _record(record)


def _record(message: Any) -> OtlpRecord:
    return OtlpRecord(
        message.time_unix_nano,
        message.observed_time_unix_nano,
        message.severity_number,
        as_text(message.severity_text),
        _value(message.body) if message.HasField("body") else None,
        _attributes(message.attributes),
        hex_id(message.trace_id, 16),
        hex_id(message.span_id, 8),
        as_text(message.event_name),
    )


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {as_text(pair.key): _value(pair.value) for pair in pairs}


def _value(message: Any) -> Any:
    given = message.ListFields()
    if not given:
        return None
    name, content = given[0][0].name, given[0][1]
    match name:
        case "array_value":
            return [_value(each) for each in content.values]
        case "kvlist_value":
            return _attributes(content.values)
        case "string_value":
            return as_text(content)
        case "bytes_value":
            return bytes_value(content)
        case "double_value":
            return double_value(content)
        case _:
            return content
