"""Which spans of a trace are one and the same, and which is whose parent, whatever order they came in.

- The same span twice (a batch that was sent again) is one. Two attempts under one id (a call that was repeated), of one
  service and side, are one as well: the one that ended later, for that is what came of it.
- Spans of one id on both sides of a call (the default of Brave, zipkin-go and others), or of two services, are several:
  the caller's keeps the id, the next ones get ids of their own and lie below it, the longer outside.
- A span whose parent has such an id belongs to the half of its own service; to the innermost, where that is no help.
"""

import math
from collections.abc import Container, Mapping, Sequence
from itertools import count
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from tracehound.schemas.spans import SHARED_SUFFIX, Span, TraceChunk

ROOT = -1
"""Parent index of a span that starts a trace."""
PARENT_NOT_RECORDED = -2
"""Parent index of a span whose parent is missing from the recording."""
ENTRY_KINDS = ("server", "consumer")
"""What tracing libraries call spans that begin an execution."""

LONGEST_OPERATION: Final = 1_000
"""Characters of the operation of a span that begins an execution or is part of one."""
LONGEST_SERVICE: Final = 200
MOMENT_US: Final = 1.0
"""A span that lasts no longer stands for a moment: what it began or took is in others."""
_ENDLESS: Final = math.inf
by_start = attrgetter("start_ns")
"""The order in which the spans of a trace are handled: most of what follows needs no other."""
_encode = msgspec.msgpack.Encoder().encode


class Identified(NamedTuple):
    """Spans with ids of their own by start, each with its service and resource; how many more came for one of them.

    ``places`` are their indexes by id. ``halved``: some ids are those of halves of calls. ``special``: spans are about
    messages, have no length, or are not as ``executions_of`` wants them.
    """

    spans: list[Span]
    places: dict[str, int]
    repeated: int
    halved: bool
    special: bool


def identified(chunks: Sequence[TraceChunk]) -> Identified:
    """The spans of all pieces of a trace; the order does not matter but for spans that start together."""
    spans: list[Span] = []
    special = False
    for chunk in chunks:
        for resource, some in chunk.spans:
            service = resource.service
            if not 0 < len(service) <= LONGEST_SERVICE:
                special = True
            for span in some:
                span.service, span.resource = service, resource
                if (
                    not MOMENT_US < span.duration_us < _ENDLESS
                    or span.message is not None
                    or not 0 < len(span.operation) <= LONGEST_OPERATION
                ):
                    special = True
            spans += some
    spans.sort(key=by_start)
    places = {span.id: place for place, span in enumerate(spans)}
    repeated = 0
    if len(places) < len(spans):
        spans, repeated = _each_once(spans)
        places = {span.id: place for place, span in enumerate(spans)}
    # (hexadecimal digits have no dash)
    return Identified(spans, places, repeated, "-" in "".join(places), special)


def _each_once(spans: Sequence[Span]) -> tuple[list[Span], int]:
    """Spans with ids of their own, and how many more there were."""
    by_id: dict[str, list[Span]] = {}
    for span in spans:
        by_id.setdefault(span.id, []).append(span)
    found: list[Span] = []
    for span_id, same in by_id.items():
        found += same if len(same) == 1 else _told_apart(span_id, _different(same), by_id)
    return sorted(found, key=by_start), len(spans) - len(found)


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


def _told_apart(span_id: str, spans: list[Span], taken: Container[str]) -> list[Span]:
    spans.sort(key=lambda span: (span.kind in ENTRY_KINDS, -span.duration_us, span.service))
    names = (span_id + SHARED_SUFFIX + (f"-{number}" if number else "") for number in count())
    free = (name for name in names if name not in taken)
    enclosing = spans[0]
    for span in spans[1:]:
        span.parent_id, span.remote_parent = enclosing.id, True
        span.id = next(free)
        enclosing = span
    return spans


def find_parents(spans: Sequence[Span], places: Mapping[str, int], halved: bool) -> None:
    """Fill in ``parent`` of each span: an index, ``ROOT`` or ``PARENT_NOT_RECORDED``; ``places`` are indexes by id."""
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
