"""The tables of the call graph: who called whom, in windows of event time."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table

from tracehound.console.store.tables.metadata import metadata, number, text

calls: Final = Table(
    "calls",
    metadata,
    text("edge", primary_key=True, doc="a digest of the columns from application to destination"),
    number("window_us", primary_key=True, doc="begin of the window, of 300 s"),
    text("application", doc="caller; a queue's name where nobody knows the producer"),
    text("environment"),
    text("operation"),
    text("peer"),
    text("peer_operation"),
    text("kind"),
    text("destination"),
    number("count"),
    number("errors"),
    Column("caller_ms", Double, nullable=False),
    number("timed"),
    Column("timed_caller_ms", Double, nullable=False),
    Column("callee_ms", Double, nullable=False),
    number("told_us"),
    Index(None, "window_us"),
    Index(None, "application", "window_us"),
    Index(None, "peer", "window_us"),
    Index(None, "told_us"),
)
"""The sum of all records of ``CallGraph`` (``schemas/call_graph.py`` says what each number is)."""

call_records: Final = Table(
    "call_records",
    metadata,
    text("id", primary_key=True),
    text("application", primary_key=True),
    text("environment", primary_key=True),
    number("told_us"),
    Index(None, "told_us"),
)
"""The records that are part of those sums: each counts once."""

named_calls: Final = Table(
    "named_calls",
    metadata,
    text("application", primary_key=True),
    text("environment", primary_key=True),
    text("peer", primary_key=True, doc="as segments name it"),
    number("window_us", primary_key=True, doc="begin of the window, of 300 s, in which scored_through lies"),
    number("count"),
    number("told_us"),
    Index(None, "environment", "window_us"),
    Index(None, "told_us"),
)
"""Calls that workers counted by the peer that executions name, where nobody joined both sides: ``Progress.calls``."""
