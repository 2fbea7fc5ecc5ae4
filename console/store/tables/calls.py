"""The tables of the call graph: who called whom, in windows of event time."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table

from tracehound.console.store.tables.metadata import metadata, number, text

calls: Final = Table(
    "calls",
    metadata,
    text("application", primary_key=True, doc="caller; a queue's name where nobody knows the producer"),
    text("environment", primary_key=True),
    number("window_us", primary_key=True, doc="begin of the window, of 300 s"),
    text("operation", primary_key=True),
    text("peer", primary_key=True),
    text("peer_operation", primary_key=True),
    text("kind", primary_key=True),
    text("destination", primary_key=True),
    number("count"),
    number("errors"),
    Column("caller_ms", Double, nullable=False),
    number("timed"),
    Column("timed_caller_ms", Double, nullable=False),
    Column("callee_ms", Double, nullable=False),
    Index(None, "window_us"),
    Index(None, "peer", "window_us"),
)
"""The sum of all records of ``CallGraph`` (``schemas/call_graph.py`` says what each number is)."""

call_records: Final = Table(
    "call_records",
    metadata,
    text("id", primary_key=True),
    text("application", primary_key=True),
    text("environment", primary_key=True),
    number("window_us", doc="the newest window of the record"),
    Index(None, "window_us"),
)
"""The records that are part of those sums: each counts once."""
