"""Encodes spans as an OpenTelemetry Collector's Kafka exporter does: OTLP in protobuf or in JSON."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracehound.schemas.execution import ExecutionFailure, Status
from tracehound.schemas.spans import Resource, SpanKind
from tracehound.scripts.recorded.otlp_spans import Exported, OtlpSpan

Encode = Callable[[Sequence[Exported]], bytes]
"""One record's value from what several resources exported."""

SCOPE: Final = "tracehound"
"""The instrumentation scope that spans are said to come from."""

_KINDS: Final[dict[SpanKind, SpanMessage.SpanKind.ValueType]] = {
    "internal": SpanMessage.SPAN_KIND_INTERNAL,
    "server": SpanMessage.SPAN_KIND_SERVER,
    "client": SpanMessage.SPAN_KIND_CLIENT,
    "producer": SpanMessage.SPAN_KIND_PRODUCER,
    "consumer": SpanMessage.SPAN_KIND_CONSUMER,
}
_CODES: Final[dict[Status, StatusMessage.StatusCode.ValueType]] = {
    "unset": StatusMessage.STATUS_CODE_UNSET,
    "ok": StatusMessage.STATUS_CODE_OK,
    "error": StatusMessage.STATUS_CODE_ERROR,
}
# whether the parent is in another process is known, and whether it is
_LOCAL_PARENT: Final = 0x100
_REMOTE_PARENT: Final = 0x300


def encode_protobuf(exported: Sequence[Exported]) -> bytes:
    """A ``TracesData`` message (on the wire the same as an ``ExportTraceServiceRequest``).

    https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
    """
    data = TracesData()
    for resource, spans in exported:
        of_resource = data.resource_spans.add(resource=_resource_message(resource))
        add = of_resource.scope_spans.add(scope=_SCOPE_MESSAGE).spans.add
        for span in spans:
            message = add(
                trace_id=bytes.fromhex(span.trace_id),
                span_id=bytes.fromhex(span.span_id),
                parent_span_id=bytes.fromhex(span.parent_id),
                flags=_REMOTE_PARENT if span.remote_parent else _LOCAL_PARENT,
                name=span.name,
                kind=_KINDS[span.kind],
                start_time_unix_nano=span.start_ns,
                end_time_unix_nano=span.end_ns,
                attributes=[_key_value(key, value) for key, value in span.attributes],
            )
            if span.status != "unset":
                message.status.code = _CODES[span.status]
            if span.exception is not None:
                message.events.add(
                    time_unix_nano=span.end_ns,
                    name="exception",
                    attributes=[_key_value(key, value) for key, value in _exception(span.exception).items()],
                )
    return data.SerializeToString()


_SCOPE_MESSAGE: Final = InstrumentationScope(name=SCOPE)


@lru_cache(maxsize=10_000)
def _resource_message(resource: Resource) -> ResourceMessage:
    return ResourceMessage(attributes=[_key_value(key, value) for key, value in _resource(resource).items()])


@lru_cache(maxsize=10_000, typed=True)
def _key_value(key: str, value: str | int) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


class _Event(msgspec.Struct, rename="camel"):
    time_unix_nano: str
    name: str
    attributes: list[msgspec.Raw]


class _Span(msgspec.Struct, rename="camel", omit_defaults=True):
    trace_id: str
    span_id: str
    parent_span_id: str
    flags: int
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    status: dict[str, int]
    attributes: list[msgspec.Raw] = []
    events: list[_Event] = []


class _ScopeSpans(msgspec.Struct, rename="camel"):
    scope: dict[str, str]
    spans: list[_Span]


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: dict[str, list[msgspec.Raw]]
    scope_spans: list[_ScopeSpans]


class _TracesData(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans]


_encode = msgspec.json.Encoder().encode


def encode_json(exported: Sequence[Exported]) -> bytes:
    """An object with ``resourceSpans``: ids as hexadecimal digits, 64-bit numbers as texts, enums as numbers.

    https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
    """
    return _encode(
        _TracesData(
            [
                _ResourceSpans(
                    {"attributes": [_attribute(key, value) for key, value in _resource(resource).items()]},
                    [_ScopeSpans({"name": SCOPE}, [_json_span(span) for span in spans])],
                )
                for resource, spans in exported
            ]
        )
    )


def _json_span(span: OtlpSpan) -> _Span:
    found = _Span(
        span.trace_id,
        span.span_id,
        span.parent_id,
        _REMOTE_PARENT if span.remote_parent else _LOCAL_PARENT,
        span.name,
        _KINDS[span.kind],
        str(span.start_ns),
        str(span.end_ns),
        {} if span.status == "unset" else {"code": _CODES[span.status]},
        [_attribute(key, value) for key, value in span.attributes],
    )
    if span.exception is not None:
        attributes = [_attribute(key, value) for key, value in _exception(span.exception).items()]
        found.events = [_Event(str(span.end_ns), "exception", attributes)]
    return found


@lru_cache(maxsize=10_000, typed=True)
def _attribute(key: str, value: str | int) -> msgspec.Raw:
    if isinstance(value, bool):
        content: dict[str, str | bool] = {"boolValue": value}
    elif isinstance(value, int):
        content = {"intValue": str(value)}
    else:
        content = {"stringValue": value}
    return msgspec.Raw(_encode({"key": key, "value": content}))


def _resource(resource: Resource) -> Mapping[str, str]:
    attributes = {
        "service.name": resource.service,
        "service.version": resource.version,
        "deployment.environment.name": resource.environment,
        "host.name": resource.host,
    }
    return {key: value for key, value in attributes.items() if value}


def _exception(failure: ExecutionFailure) -> Mapping[str, str | bool]:
    said = {"exception.type": failure.type, "exception.message": failure.message}
    return {**{key: value for key, value in said.items() if value}, "exception.escaped": not failure.handled}
