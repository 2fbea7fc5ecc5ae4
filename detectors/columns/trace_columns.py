"""The columns that traces are joined in: what kernels write into which, and what is known of shapes and resources."""

from typing import Final

from tracehound.detectors.columns.read_pieces import PIECE_COLUMNS

MOST_SPANS: Final = 500
"""Of a trace; longer ones are joined as objects."""

SPAN_COLUMNS: Final = PIECE_COLUMNS + 3
PARENT, OWNER, PLACE = range(PIECE_COLUMNS, SPAN_COLUMNS)
"""Columns that come to those of ``read_pieces``: the row of the parent (or ``ROOT``, ``NOT_RECORDED``) and of the span
that the execution begins with; the place among its segments (``NOWHERE``: none)."""
ROOT, NOT_RECORDED, NOWHERE = -1, -2, -1
OFFSET_US, DURATION_US = range(2)

SHAPE_COLUMNS: Final = 17
(
    PLAIN,
    KIND,
    FAILED,
    WITH_ERROR,
    DESCRIBED,
    CONNECTS,
    REMOTE_PARENT,
    LOCAL_KIND,
    REMOTE_KIND,
    UNSEEN_KIND,
    OWN_KIND,
    OPERATION,
    NORMALIZED,
    PEER,
    STATUS,
    OUTCOME,
    ERROR,
) = range(SHAPE_COLUMNS)
"""The columns of shapes.

Whether columns are enough for it; the span's kind; whether it failed, has an error, has attributes that say what call
it is, and is of those that only connect; whether its parent is remote (-1: not known). Numbers of the kind of the
segment without a callee and with one, of that where only the callee is known, and of the call that it is. Numbers of
texts: the operation, the same without ids, the address called (-1: none), and parts of JSON: status of a segment,
status and result, and error of an execution.
"""
NO_KIND, INTERNAL, SERVER, CLIENT = range(4)
RESOURCE_COLUMNS: Final = 5
SERVICE, ENVIRONMENT, BARE_SERVICE, RUNS_ON, ATTRIBUTES = range(RESOURCE_COLUMNS)
"""The columns of resources, all numbers of texts: service (-1: columns are not enough for it) and environment, the
service without quotes, and parts of JSON: environment, version and host of an execution, and its attributes."""

TRACE_COLUMNS: Final = 4
FIRST, LAST, MARKS, CLIPPED = range(TRACE_COLUMNS)
"""The columns of traces: where its executions begin and end, how many marks it has, and how many calls whose callee's
span ended after the caller's."""
EXECUTION_COLUMNS: Final = 3
ENTRY, BEGIN, END = range(EXECUTION_COLUMNS)
"""The columns of executions: the row of the span that each begins with, and where its segments begin and end."""
SEGMENT_COLUMNS: Final = 6
SPAN, SEGMENT_KIND, WITHIN, CALLED, CALLEE, UNSEEN = range(SEGMENT_COLUMNS)
"""The columns of segments: the row of the span (the callee's, where only that is known), number of the kind, place of
the enclosing segment (``NOWHERE``: none), text of the peer (-1: none), row of the span that the callee's execution
begins with (-1: none), and whether only the callee is known."""
DURATION_MS, OFFSET_MS, REMOTE_MS = range(3)
"""The times of segments; the last is NaN where it is not known."""
