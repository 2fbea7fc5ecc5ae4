"""OTLP in Protobuf by columns: what a span means is worked out once for all that say the same."""

from functools import partial
from typing import Any, Final

from google.protobuf.message import DecodeError

from tracehound.detectors.columns.read_spans import ID_DIGITS, ODD, SpanColumns, SpanReader
from tracehound.detectors.columns.write_pieces import LEFT_OUT
from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.conventions.names import CONCEPTS
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.conventions.texts import AttributeValue
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, SpansByTrace
from tracehound.streams.intake.formats.otlp.packer import Like, Packing, SpanPacker
from tracehound.streams.intake.formats.otlp.protobuf import OTLP, attributes_of, resource_attributes, span_with

_SELDOM_READ: Final = frozenset(("path", "url", "zipkin path", "bare uri", "network address", "network port"))
"""Concepts whose values differ from span to span, and mostly mean nothing beside what else is said."""
_WANTED: Final = {name: concept not in _SELDOM_READ for concept, names in CONCEPTS.items() for name in names}
_REMEMBERED = 20_000
_REMEMBERED_BYTES = 1_000
_NO_PARENT = "0" * 16
_REMOTE = (False, True, None)


class ColumnedDecoder:
    """Decodes records as ``decode_protobuf`` does, which it asks what a span means: once for each *shape*, the name,
    kind, status and wanted attributes that many spans have in common.

    Values of attributes that differ from span to span (paths, addresses of connections) are no part of a shape, unless
    they were looked at: then the shape and they together are remembered. Memory is bounded: 20,000 shapes of at most
    1,000 bytes, and as many with values.
    """

    def __init__(self, packer: SpanPacker | None = None) -> None:
        self._packer = packer
        self._reader = SpanReader(_WANTED)
        self._known: dict[bytes, Like] = {}
        self._with_values: dict[bytes, Like] = {}

    def __call__(self, content: bytes, limits: SpanLimits) -> DecodedSpans | None:
        """The spans of a record; None where any of it is to be read with care, or there are too many."""
        columns = self._reader.read(content, limits.max_spans)
        if columns is None or max(len(columns.resources), columns.scopes) > limits.max_spans:
            return None
        try:
            named = partial(resource_of, with_namespace=limits.with_namespace)
            resources = [
                named(resource_attributes(OTLP.Resource.FromString(content[begin:end])))
                for begin, end in columns.resources.tolist()
            ]
            if self._packer is not None:
                return self._packed(content, columns, resources, self._packer)
            return self._spans(content, columns, resources)
        except DecodeError:
            return None

    def _spans(self, content: bytes, columns: SpanColumns, resources: list[Resource]) -> DecodedSpans | None:
        collected = SpansByTrace()
        adding = [collected.of_resource(resource) for resource in resources]
        ids, shapes, known, with_values = columns.ids, columns.shapes, self._known, self._with_values
        at = -ID_DIGITS
        for resource, begin, end, shape, shape_end, values_end, start_ns, end_ns, remote in columns.spans.tolist():
            at += ID_DIGITS
            if shape == ODD:
                read = span_with(*_message_of(content[begin:end]))
                if isinstance(read, Flaw):
                    return None
                trace_id, span = read
                if span is None:
                    collected.unfinished += 1
                else:
                    adding[resource](trace_id.hex(), span)
                continue
            like = known.get(shapes[shape:shape_end]) or with_values.get(shapes[shape:values_end])
            if like is None:
                like = self._understood(content[begin:end], shapes[shape:values_end], shape_end - shape)
                if like is None:
                    return None
            parent_id = ids[at + 48 : at + ID_DIGITS]
            said = like.span
            span = Span(  # (by names it takes twice as long)
                "",
                said.operation,
                -1,
                None,
                (end_ns - start_ns) / 1e3,
                None,
                said.component,
                said.peer,
                said.is_error,
                ids[at + 32 : at + 48],
                "" if parent_id == _NO_PARENT else parent_id,
                start_ns,
                said.kind,
                said.segment,
                _REMOTE[remote],
                said.error,
                said.result,
                None,
                said.message,
                said.adjusted_count,
            )
            adding[resource](ids[at : at + 32], span)
        return collected.result()

    def _packed(
        self, content: bytes, columns: SpanColumns, resources: list[Resource], packer: SpanPacker
    ) -> DecodedSpans | None:
        if packer.full:
            self._known.clear()
            self._with_values.clear()
            packer.begin_anew()
        packing = Packing(columns.ids)
        ids, shapes, known, with_values = columns.ids, columns.shapes, self._known, self._with_values
        add = packing.numbers.append
        at = -ID_DIGITS
        for _, begin, end, shape, shape_end, values_end, start_ns, end_ns, _ in columns.spans.tolist():
            at += ID_DIGITS
            if shape == ODD:
                read = span_with(*_message_of(content[begin:end]))
                if isinstance(read, Flaw):
                    return None
                packing.add_whole(*read)
                continue
            like = known.get(shapes[shape:shape_end]) or with_values.get(shapes[shape:values_end])
            if like is None:
                like = self._understood(content[begin:end], shapes[shape:values_end], shape_end - shape)
                if like is None:
                    return None
                if like.number == LEFT_OUT:  # it is not remembered: it is too long
                    packing.add_whole(bytes.fromhex(ids[at : at + 32]), like.span)
                    continue
            add(like.number)
            if like.sends:
                ended_ns = start_ns + round((end_ns - start_ns) / 1e3 * 1e3)
                packing.sent.append((ids[at : at + 32], ids[at + 32 : at + 48], ended_ns))
        return packer.pack(columns, resources, packing)

    def _understood(self, element: bytes, shape: bytes, length: int) -> Like | None:
        """A span that others are like, which is remembered by its shape, or with the values of its own."""
        message, attributes = _message_of(element)
        read = span_with(message, attributes)
        if isinstance(read, Flaw) or read[1] is None:
            return None
        remembered = self._with_values if attributes.looked_at else self._known
        key = shape if attributes.looked_at else shape[:length]
        if len(key) > _REMEMBERED_BYTES:
            return Like(read[1])
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        like = remembered[key] = Like(read[1]) if self._packer is None else self._packer.like(read[1])
        return like


class _Watched(dict[str, AttributeValue]):
    """Attributes that know whether a value was looked at that is no part of a shape; that there is one, is part."""

    looked_at = False

    def get(self, name: str, default: Any = None) -> Any:
        if name in _SELDOM_READ and name in self:
            self.looked_at = True
        return super().get(name, default)

    def __getitem__(self, name: str) -> AttributeValue:
        self.looked_at = self.looked_at or name in _SELDOM_READ
        return super().__getitem__(name)


def _message_of(element: bytes) -> tuple[Any, _Watched]:
    message = OTLP.Span.FromString(element)
    return message, _Watched(attributes_of(message))
