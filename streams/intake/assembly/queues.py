"""How long messages waited in a queue: from the end of the span that sent them to the begin of what works on them.

| what is known of a message | it waited |
|---|---|
| the library says how long it was in the queue | so long |
| the span that sent it (parent or link), in this trace or remembered of another | from that span's end on |
| when it came into the queue, by the library | from then on |
| none of these: its sender came later than all this, is not traced, or is long forgotten | not known, and counted |

Clocks of hosts differ, and who sends waits for the broker's answer: what was taken before it was sent waited 0, and
beyond a millisecond is counted. Who takes several messages waited for by their links has the longest wait of them.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from tracehound.schemas.execution import QueueWait
from tracehound.schemas.spans import Message, Span
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS

_ROUNDED_MS = 1.0
"""Some libraries write times in whole milliseconds."""
SentAt = Callable[[str, str], int | None]
"""When the sending of a message ended, epoch nanoseconds, by the trace and id of the span that sent it, if known."""


class Waits(msgspec.Struct):
    """Finds how long messages waited, and counts messages by what was found, as the metric does."""

    sent_at: SentAt = lambda _trace, _span: None
    measured: int = 0
    clipped: int = 0
    unknown: int = 0

    def add(self, others: "Waits") -> None:
        """Count what others counted, too."""
        self.measured += others.measured
        self.clipped += others.clipped
        self.unknown += others.unknown

    def of(self, trace_id: str, spans: Sequence[Span], entry: int, inside: Sequence[int]) -> QueueWait | None:
        """The longest wait of the messages that the execution from ``entry`` on, with the spans ``inside``, works on.

        None where none is known, or nobody says which queue they were in.
        """
        takers = [index for index in (entry, *inside) if index == entry or _takes_linked(spans[index])]
        senders = _InTrace(trace_id, spans)
        found = [wait for index in takers for wait in self._each(senders, spans[index])]
        said = [spans[index].message for index in takers]
        sent = [spans[place].message for place in senders.found]
        said += sent
        destination = next((message.destination for message in said if message and message.destination), "")
        if not found or not destination:
            return None
        known = [wait for wait in found if wait is not None]
        clipped = sum(wait < -_ROUNDED_MS for wait in known)
        self.measured += len(known) - clipped
        self.clipped += clipped
        self.unknown += len(found) - len(known)
        if not known:
            return None
        group = next((message.group for message in said if message and message.group), "")
        sent_to = next((message.destination for message in sent if message and message.destination), "")
        elsewhere = "" if sent_to == destination else sent_to
        return QueueWait(destination, max(0.0, *known), group[:NAME_CHARACTERS], elsewhere)

    def _each(self, senders: "_InTrace", span: Span) -> Iterator[float | None]:
        """Of each message that a span takes how long it waited, in milliseconds."""
        message = span.message or _SAYS_NOTHING
        if message.waited_ms is not None:
            yield message.waited_ms
            return
        sent_ns = [self._sent_ns(senders, *sender) for sender in senders.of(span)]
        if message.queued_s is not None and not any(sent_ns):
            yield (span.start_ns - round(message.queued_s * 1e9)) / 1e6
            return
        for one_ns in sent_ns:
            yield None if one_ns is None else (span.start_ns - one_ns) / 1e6

    def _sent_ns(self, senders: "_InTrace", trace_id: str, span_id: str) -> int | None:
        here = senders.end_ns(span_id) if trace_id == senders.trace_id else None
        return self.sent_at(trace_id, span_id) if here is None else here


_SAYS_NOTHING = Message()


class _InTrace:
    """The spans of a trace that sent messages; ``found`` are the places of those that were asked for."""

    def __init__(self, trace_id: str, spans: Sequence[Span]) -> None:
        self.trace_id = trace_id
        self.found: list[int] = []
        self._spans = spans
        self._places: dict[str, int] | None = None

    def of(self, span: Span) -> list[tuple[str, str]]:
        """Trace and span ids of who may have sent what a span takes: its parent, and what it links."""
        links = list(span.message.links) if span.message is not None else []
        if span.parent == PARENT_NOT_RECORDED or (span.parent >= 0 and is_send(self._spans[span.parent])):
            parent_id = self._spans[span.parent].id if span.parent >= 0 else span.parent_id
            links.append((self.trace_id, parent_id))
        return list(dict.fromkeys(links))

    def end_ns(self, span_id: str) -> int | None:
        """When the sending of a message by a span ended; None where it sends none, or is not here."""
        if self._places is None:
            self._places = {span.id: place for place, span in enumerate(self._spans)}
        place = self._places.get(span_id)
        if place is None or not is_send(self._spans[place]):
            return None
        self.found.append(place)
        return sending_ended_ns(self._spans[place])


def is_send(span: Span) -> bool:
    """Whether a span sends messages."""
    return span.kind == "producer" or (span.message is not None and span.message.does == "send")


def sending_ended_ns(span: Span) -> int:
    """When a span ended, epoch nanoseconds."""
    return span.start_ns + round(span.duration_us * 1e3)


def _takes_linked(span: Span) -> bool:
    return span.kind == "consumer" and span.message is not None and bool(span.message.links)
