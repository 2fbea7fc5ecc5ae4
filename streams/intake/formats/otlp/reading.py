"""What both encodings of OTLP share: all spans at once where everything is valid, else one by one."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, SpansByTrace, check_count
from tracehound.streams.intake.formats.refused import Refused, nested, rejections

LISTS = ("resourceSpans", "scopeSpans", "spans")

ReadSpan = Callable[[Any], tuple[bytes, Span | None] | Flaw]
"""Makes trace id and span of a message or object; None for a span that is left out."""


class Encoding(Protocol):
    """How bytes of an encoding are taken apart where they are not as the specification has it."""

    name: str

    def parts(self, element: bytes, depth: int) -> tuple[bytes, list[bytes]] | Flaw:
        """The other fields of an element beside its list, in one, and the list's elements. Depth 0 is the record."""

    def resource(self, head: bytes) -> dict[str, Any] | Flaw:
        """The attributes of a resource that are wanted."""

    def span(self, element: bytes) -> tuple[bytes, Span | None] | Flaw:
        """Trace id and span; None for a span that is left out."""

    def around(self, depth: int, head: bytes, elements: list[bytes]) -> bytes:
        """An element with these other fields and this list; depth -1 is the record."""


def read_all(
    record: Any,
    size: int,
    limits: SpanLimits,
    resource_of: Callable[[Any], Resource],
    read_span: ReadSpan,
) -> DecodedSpans | None:
    """All spans of a record that was parsed as a whole, None where any of it is to be read with care.

    Parameters:
        record: has ``resource_spans``, they ``scope_spans``, and these ``spans``; lists may be None.
        size: of the record in bytes.

    Raises:
        RecordError: there are more spans, scopes or resources than ``limits`` allow.
    """
    resources = record.resource_spans
    if size > limits.max_spans:  # everything takes more than a byte
        check_count(len(resources), limits, "resources")
        check_count(sum(len(each.scope_spans or ()) for each in resources), limits, "scopes")
        check_count(sum(len(scope.spans or ()) for each in resources for scope in each.scope_spans or ()), limits)
    collected = SpansByTrace()
    for resource_spans in resources:
        scopes = resource_spans.scope_spans
        if not scopes:  # or called otherwise
            return None
        add = collected.of_resource(resource_of(resource_spans))
        for scope_spans in scopes:
            for given in scope_spans.spans or ():
                read = read_span(given)
                if isinstance(read, Flaw):
                    return None
                trace_id, span = read
                if span is None:
                    collected.unfinished += 1
                else:
                    add(trace_id, span)
    return collected.result()


def read_with_care(
    resources: Sequence[bytes], encoding: Encoding, limits: SpanLimits, resource_of: Callable[[Any], Resource]
) -> DecodedSpans:
    """The spans of a record one by one: what is wrong with one costs only that one.

    A resource or scope that cannot be read costs its own spans.

    Raises:
        RecordError: there are more spans, scopes or resources than ``limits`` allow.
    """
    check_count(len(resources), limits, "resources")
    reading = _CarefulReading(encoding, limits, resource_of)
    for i, element in enumerate(resources):
        reading.read_resource(i, element)

    def record_of(group: Sequence[Refused]) -> bytes:
        return encoding.around(-1, b"", nested(group, 0, encoding.around))

    return reading.collected.result(rejections(encoding.name, LISTS, reading.refused, record_of))


class _CarefulReading:
    def __init__(self, encoding: Encoding, limits: SpanLimits, resource_of: Callable[[Any], Resource]) -> None:
        self.encoding = encoding
        self.limits = limits
        self.resource_of = resource_of
        self.collected = SpansByTrace()
        self.refused: list[Refused] = []
        self.number = 0
        self.scopes = 0

    def refuse(self, place: tuple[int, ...], heads: tuple[bytes, ...], element: bytes, flaw: Flaw) -> None:
        self.refused.append(Refused(self.number, place, heads, element, flaw))
        self.number += 1

    def read_resource(self, i: int, element: bytes) -> None:
        parts = self.encoding.parts(element, 1)
        attributes = parts if isinstance(parts, Flaw) else self.encoding.resource(parts[0])
        if isinstance(parts, Flaw) or isinstance(attributes, Flaw):
            flaw = attributes if isinstance(attributes, Flaw) else parts
            assert isinstance(flaw, Flaw)
            self.refuse((i,), (), element, flaw)
            return
        head, scopes = parts
        self.scopes += len(scopes)
        check_count(self.scopes, self.limits, "scopes")
        add = self.collected.of_resource(self.resource_of(attributes))
        for j, scope in enumerate(scopes):
            within = self.encoding.parts(scope, 2)
            if isinstance(within, Flaw):
                self.refuse((i, j), (head,), scope, within)
                continue
            check_count(self.number + len(within[1]), self.limits)
            for k, element_span in enumerate(within[1]):
                read = self.encoding.span(element_span)
                if isinstance(read, Flaw):
                    self.refuse((i, j, k), (head, within[0]), element_span, read)
                    continue
                self.number += 1
                trace_id, span = read
                if span is None:
                    self.collected.unfinished += 1
                else:
                    add(trace_id, span)
