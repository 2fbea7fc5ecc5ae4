"""Traces that are closed as a whole: what joining them in columns gave, and what objects make of one after all."""

from collections.abc import Sequence

from tracehound.streams.intake.assembly.assemble import Assembled, assemble
from tracehound.streams.intake.assembly.queues import SentAt
from tracehound.streams.intake.closing import Closing
from tracehound.streams.intake.columned.traces import ColumnedTraces
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.open_trace import OpenTrace, readable


def closings_of(
    columned: ColumnedTraces, whole: Sequence[tuple[str, OpenTrace]], rules: JoinRules
) -> dict[str, Closing]:
    """What closing these traces gives, by id; those that columns are not enough for are left out."""
    fits = columned.join(
        [(trace_id, trace.pieces) for trace_id, trace in whole], sum(trace.spans for _, trace in whole)
    )
    closings: dict[str, Closing] = {}
    figures = zip(whole, fits, columned.figures(), strict=True)
    for column, ((trace_id, trace), fit, (written, clipped, marks)) in enumerate(figures):
        if fit:
            is_quiet = trace.last_ms + rules.wait_ms <= trace.first_ms + rules.max_trace_ms
            closing = Closing(trace_id, "complete" if is_quiet else "endless", False, trace.spans, Assembled([], 0))
            closing.marks, closing.column, closing.pieces = marks, column, trace.pieces
            closing.written, closing.clipped_there = written, clipped
            closings[trace_id] = closing
    return closings


def assembled(closing: Closing, sent_at: SentAt) -> Assembled:
    """What objects make of a trace that was joined in columns."""
    chunks = [chunk for chunk in readable(closing.pieces) if chunk is not None]
    return assemble(closing.trace_id, chunks, False, sent_at)
