"""Which spans of a trace are one and the same, and which is whose parent, whatever order they came in.

- The same span twice (a batch that was sent again) is one. Two attempts under one id (a call that was repeated), of one
  service and side, are one as well: the one that ended later, for that is what came of it.
- Spans of one id on both sides of a call (the default of Brave, zipkin-go and others), or of two services, are several:
  the caller's keeps the id, the next ones get ids of their own and lie below it, the longer outside.
- A span whose parent has such an id belongs to the half of its own service; to the innermost, where that is no help.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tracehound.schemas.spans import SHARED_SUFFIX, Span, TraceChunk

ROOT = -1
"""Parent index of a span that starts a trace."""
PARENT_NOT_RECORDED = -2
"""Parent index of a span whose parent is missing from the recording."""
ENTRY_KINDS = ("server", "consumer")
"""What tracing libraries call spans that begin an execution."""

MOMENT_US = 1.0
"""A span that lasts no longer stands for a moment: what it began or took is in others."""
_encode = msgspec.msgpack.Encoder().encode


class Identified(NamedTuple):
    """Spans with ids of their own, each with its service and resource, and how many more came for one of them.

    ``halved``: some ids are those of halves of calls. ``special``: spans are about messages, or have no length.
    """

    spans: list[Span]
    repeated: int
    halved: bool
    special: bool


def identified(chunks: Sequence[TraceChunk]) -> Identified:
    """The spans of all pieces of a trace; the order does not matter but for that of the result."""
    found: dict[str, Span] = {}
    shared: dict[str, list[Span]] = {}
    halved = special = False
    for chunk in chunks:
        for resource, spans in chunk.spans:
            service = resource.service
            for span in spans:
                span.service, span.resource = service, resource
                own_id = span.id
                other = found.setdefault(own_id, span)
                if other is not span:
                    shared.setdefault(own_id, [other]).append(span)
                if "-" in own_id and SHARED_SUFFIX in own_id:  # (hexadecimal digits have none)
                    halved = True
                if span.duration_us <= MOMENT_US or span.message is not None:
                    special = True
    repeated = 0
    for span_id, spans in shared.items():
        different = _different(spans)
        repeated += len(spans) - len(different)
        del found[span_id]
        for span in _told_apart(span_id, different):
            found[span.id] = span
        halved |= len(different) > 1
    return Identified(list(found.values()), repeated, halved, special)


def _different(spans: Sequence[Span]) -> list[Span]:
    """One for each service and side."""
    latest: dict[tuple[str, bool], Span] = {}
    for span in spans:
        key = (span.service, span.kind in ENTRY_KINDS)
        other = latest.get(key)
        if other is None or _outcome(span) > _outcome(other):
            latest[key] = span
    return list(latest.values())


def _outcome(span: Span) -> tuple[float, float, bytes]:
    """The later end wins, then the longer span, then any order that does not depend on arrival."""
    return span.start_ns + span.duration_us * 1e3, span.duration_us, _encode(span)


def _told_apart(span_id: str, spans: list[Span]) -> list[Span]:
    spans.sort(key=lambda span: (span.kind in ENTRY_KINDS, -span.duration_us, span.service))
    enclosing = spans[0]
    for number, span in enumerate(spans[1:]):
        span.parent_id, span.remote_parent = enclosing.id, True
        span.id = span_id + SHARED_SUFFIX + (f"-{number + 1}" if number else "")
        enclosing = span
    return spans


def find_parents(spans: Sequence[Span], halved: bool) -> None:
    """Fill in ``parent`` of each span: an index, ``ROOT`` or ``PARENT_NOT_RECORDED``."""
    places = {span.id: place for place, span in enumerate(spans)}
    halves: dict[str, list[int]] = {}
    if halved:
        for place, span in enumerate(spans):
            if SHARED_SUFFIX in span.id:
                halves.setdefault(span.id.partition(SHARED_SUFFIX)[0], []).append(place)
    for place, span in enumerate(spans):
        parent_id = span.parent_id
        if not parent_id:
            span.parent = ROOT
            continue
        parent = places.get(parent_id, PARENT_NOT_RECORDED)
        if parent == place:
            parent = PARENT_NOT_RECORDED
        elif parent_id in halves and SHARED_SUFFIX not in span.id:
            parent = _half(spans, span, parent, halves[parent_id])
        span.parent = parent


def _half(spans: Sequence[Span], span: Span, caller: int, servers: list[int]) -> int:
    """Which of the spans with its parent's id a span belongs to."""
    inner = sorted(servers, key=lambda place: spans[place].id)
    own = [place for place in inner if spans[place].service == span.service]
    if own:
        return own[-1]
    if caller >= 0 and spans[caller].service == span.service:
        return caller
    return inner[-1] if caller >= 0 or span.kind in ENTRY_KINDS else PARENT_NOT_RECORDED
