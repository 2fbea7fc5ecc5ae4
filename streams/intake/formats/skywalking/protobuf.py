"""SkyWalking's ``SegmentObject`` in Protobuf: one segment a record."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.schemas.spans import Resource
from tracehound.streams.intake.conventions.names import as_they_are
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, AttributeValue
from tracehound.streams.intake.formats.declared import as_text, declare
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, SpansByTrace, check_count
from tracehound.streams.intake.formats.pairs import PairReader, read_text, read_text_pair
from tracehound.streams.intake.formats.refused import Refused, rejections
from tracehound.streams.intake.formats.skywalking.span import LOG_FIELDS, TAGS, Given, Ref, span_of
from tracehound.streams.intake.formats.wire import framed, parts

NAME = "SkyWalking"

SKYWALKING = declare(
    "tracehound.skywalking",
    {
        "Segment": "trace_id 1 string, segment_id 2 string, spans 3 *Span, service 4 string, instance 5 string",
        "Span": "number 1 int32, parent 2 int32, start_ms 3 int64, end_ms 4 int64, refs 5 *Ref, name 6 string,"
        "peer 7 string, type 8 int32, layer 9 int32, is_error 11 bool, tags 12 *bytes, logs 13 *Log",
        "Ref": "type 1 int32, trace_id 2 string, segment_id 3 string, span_id 4 int32",
        "Log": "data 2 *bytes",
    },
)
"""The fields that are read, from skywalking-data-collect-protocol, ``Tracing.proto``."""

_SPANS = 3
_tags = PairReader(TAGS, read_text, read_text_pair)
_log_fields = PairReader(as_they_are(LOG_FIELDS), read_text, read_text_pair)
_TEXT_CHARACTERS = 400


def decode_skywalking(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record. A span that cannot be used, or does not parse, loses only itself.

    Raises:
        RecordError: the bytes are no such message, have no usable ids, or hold more spans than ``limits`` allow.
    """
    segment, spans = _parsed(value)
    trace_id, segment_id = as_text(segment.trace_id), as_text(segment.segment_id)
    service = as_text(segment.service)
    for name, given in (("traceId", trace_id), ("traceSegmentId", segment_id), ("service", service)):
        if not 0 < len(given) <= _TEXT_CHARACTERS:
            rule = f"have 1 to {_TEXT_CHARACTERS} characters. Got {len(given)} instead."
            raise RecordError("InvalidSpan", f"the field '{name}' must {rule}")
    check_count(len(spans), limits)
    collected = SpansByTrace()
    add = collected.of_resource(Resource(service[:NAME_CHARACTERS], host=as_text(segment.instance)[:NAME_CHARACTERS]))
    flaws: dict[int, Flaw] = {}
    for index, given in enumerate(spans):
        span = _UNPARSABLE if given is None else span_of(trace_id, segment_id, _given(given))
        if span is None:
            collected.unfinished += 1
        elif isinstance(span, Flaw):
            flaws[index] = span
        else:
            add(trace_id, span)
    if not flaws:
        return collected.result()
    head, elements = parts(value, (_SPANS,))
    refused = [Refused(index, (index,), (), elements[index], flaw) for index, flaw in flaws.items()]
    return collected.result(
        rejections(
            NAME, ("spans",), refused, lambda group: head + b"".join(framed(_SPANS, each.element) for each in group)
        )
    )


_UNPARSABLE = Flaw("InvalidProtobuf", "span", lambda: "the span must be a valid Protobuf message. It is none.")


def _parsed(value: bytes) -> tuple[Any, Sequence[Any]]:
    """The segment and its spans; None for one that does not parse."""
    try:
        segment = SKYWALKING.Segment.FromString(value)
    except DecodeError:
        pass
    else:
        return segment, segment.spans
    try:
        head, elements = parts(value, (_SPANS,))
        return SKYWALKING.Segment.FromString(head), [_span(element) for element in elements]
    except (ValueError, DecodeError) as error:
        raise RecordError("InvalidProtobuf", "the segment must be a valid Protobuf message. It is none.") from error


def _span(element: bytes) -> Any:
    try:
        return SKYWALKING.Span.FromString(element)
    except DecodeError:
        return None


def _ref(ref: Any) -> Ref:
    """Ids are cut: no span has a longer one, so that such a parent is one that was not recorded."""
    trace_id, segment_id = as_text(ref.trace_id), as_text(ref.segment_id)
    return Ref(ref.type, trace_id[:_TEXT_CHARACTERS], segment_id[:_TEXT_CHARACTERS], ref.span_id)


def _given(span: Any) -> Given:
    return Given(
        span.number,
        span.parent,
        span.start_ms,
        span.end_ms,
        [_ref(ref) for ref in span.refs],
        as_text(span.name),
        as_text(span.peer),
        span.type,
        span.layer,
        span.is_error,
        _tags(span.tags),
        _logs(span.logs) if span.logs else (),
    )


def _logs(logs: Iterable[Any]) -> list[Mapping[str, AttributeValue]]:
    return [_log_fields(log.data) for log in logs]
