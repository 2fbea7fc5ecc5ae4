"""Which executions of an open trace will not change any more, and what of its spans is still needed after them.

| an execution is told | when nothing came for |
|---|---|
| all spans below its own entry span have their parents | the wait, of these and of its callees' entry spans |
| an inner span of its service, in its time (a consumer's: after its start), has no parent yet | the longer wait |

So nobody waits for a caller that is still running (a websocket, a stream), nor for one who never ends.
"""

from collections.abc import Sequence

import msgspec

from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import Span, TraceChunk
from tracehound.streams.intake.assembly.assemble import Assembled
from tracehound.streams.intake.assembly.beginnings import marks_of
from tracehound.streams.intake.assembly.entries import is_orphan, owners_of
from tracehound.streams.intake.open_trace import readable

_TOLERANCE_US = 1_000.0

Read = Sequence[TraceChunk | None]
_encode = msgspec.msgpack.Encoder().encode


class OpenSpans:
    """The spans of a trace that goes on, and to which of its executions each belongs.

    Parameters:
        trace_id: of the trace.
        made: what was made of all that came so far.
        read: the pieces that it was made of.
        clocks: when each came.
    """

    def __init__(self, trace_id: str, made: Assembled, read: Read, clocks: Sequence[int]) -> None:
        self._made = made
        self._spans = made.joined
        self._owners = owners_of(trace_id, made.joined)
        self._places = {span.id: place for place, span in enumerate(made.joined)}
        self._came: dict[int, int] = {}  # by object
        for clock_ms, chunk in zip(clocks, read, strict=True):
            if chunk is not None:
                self._came.update((id(span), clock_ms) for _, spans in chunk.spans for span in spans)
                self._came.update((id(execution), clock_ms) for execution in chunk.executions)
        self._orphans = [span for span in made.joined if is_orphan(span)]

    def settled(self, ripe_ms: float, given_up_ms: float) -> list[Execution]:
        """The executions whose last span came by ``ripe_ms``, or by ``given_up_ms`` where spans still lack a parent."""
        latest = self._latest()
        found: list[Execution] = []
        for execution in self._made.executions:
            came_ms = self._came.get(id(execution))
            if came_ms is None:
                entry = self._places[execution.span_id]
                came_ms = latest[entry]
                if came_ms > given_up_ms and self._lacks_parents(self._spans[entry]):
                    continue
            if came_ms <= ripe_ms:
                found.append(execution)
        return found

    def _latest(self) -> dict[int, int]:
        """By entry span when the last of what belongs to it came."""
        latest: dict[int, int] = {}

        def note(owner: int, came_ms: int) -> None:
            latest[owner] = max(latest.get(owner, 0), came_ms)

        for place, owner in enumerate(self._owners):
            span = self._spans[place]
            note(owner, self._came[id(span)])
            if owner == place and span.parent >= 0:
                note(self._owners[span.parent], self._came[id(span)])
        for execution in self._made.executions:
            caller = self._places.get(execution.parent_span_id)
            if id(execution) in self._came and caller is not None:
                note(self._owners[caller], self._came[id(execution)])
        return latest

    def _lacks_parents(self, entry: Span) -> bool:
        begin_us = (entry.offset_us or 0.0) - _TOLERANCE_US
        end_us = begin_us + entry.duration_us + 2 * _TOLERANCE_US
        for span in self._orphans:
            start_us = span.offset_us or 0.0
            within = entry.kind == "consumer" or start_us + span.duration_us <= end_us
            if span.service == entry.service and within and start_us >= begin_us:
                return True
        return False

    def remainder(
        self, pending: Sequence[Execution], pieces: Sequence[msgspec.Raw], read: Read
    ) -> tuple[list[msgspec.Raw | None], bytes]:
        """The pieces without what is no longer needed (None: nothing is), and the marks of that.

        Needed are the spans of pending executions, those whose beginning is missing, and the callees' entry spans.
        """
        kept = self._needed(pending)
        left: list[msgspec.Raw | None] = []
        for piece, chunk, fresh in zip(pieces, read, readable(pieces), strict=True):
            if chunk is None or fresh is None:
                left.append(piece)
                continue
            few = TraceChunk(
                [
                    (resource, [one for one, span in zip(copies, spans, strict=True) if id(span) in kept])
                    for (resource, copies), (_, spans) in zip(fresh.spans, chunk.spans, strict=True)
                ],
                [one for one in chunk.executions if id(one) in kept],
            )
            few.spans = [(resource, spans) for resource, spans in few.spans if spans]
            left.append(piece if len(few) == len(chunk) else msgspec.Raw(_encode(few)) if len(few) else None)
        native = [one for chunk in read if chunk is not None for one in chunk.executions]
        gone = [span for span in self._made.spans if id(span) not in kept]
        return left, marks_of(gone, [one for one in native if id(one) not in kept])

    def _needed(self, pending: Sequence[Execution]) -> set[int]:
        begun = {execution.span_id for execution in pending if id(execution) not in self._came}
        spans = self._spans
        places = {
            place for place, owner in enumerate(self._owners) if spans[owner].id in begun or is_orphan(spans[owner])
        }
        places |= {
            place for place, owner in enumerate(self._owners) if owner == place and spans[place].parent in places
        }
        ids = {spans[place].id for place in places}
        services = {spans[place].service for place in places}
        kept = {id(spans[place]) for place in places}
        joined = set(map(id, spans))
        kept |= {id(span) for span in self._made.spans if id(span) not in joined and span.service in services}
        waiting = set(map(id, pending))
        for execution in self._made.native:
            if id(execution) in waiting or execution.parent_span_id in ids:
                kept.add(id(execution))
        return kept
