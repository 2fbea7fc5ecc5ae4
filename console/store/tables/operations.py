"""The tables of what is kept of executions: counts and sketches by operation and window, and how far they are read."""

from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, Table

from tracehound.console.store.tables.metadata import metadata, number, seq, text

operations: Final = Table(
    "operations",
    metadata,
    seq(),
    text("digest", unique=True, doc="of the three that follow, which may be too long for an index"),
    text("application", doc="empty: all applications beyond the bound together"),
    text("environment"),
    text("operation", doc="empty: all operations of the application beyond the bound together"),
    Index(None, "application", "environment"),
)
"""A number for each operation, which its windows are found by."""

operation_windows: Final = Table(
    "operation_windows",
    metadata,
    number("operation_seq", primary_key=True, autoincrement=False),
    number("width_s", primary_key=True, autoincrement=False, doc="60, 3600 or 86400"),
    number("start_us", primary_key=True, autoincrement=False),
    number("count"),
    number("errors"),
    text("results", doc="JSON: how many executions had which result"),
    Index(None, "width_s", "start_us"),
)
"""How many executions began in a window. An execution is in one window, of one width."""

operation_numbers: Final = Table(
    "operation_numbers",
    metadata,
    number("operation_seq", primary_key=True, autoincrement=False),
    number("width_s", primary_key=True, autoincrement=False),
    number("start_us", primary_key=True, autoincrement=False),
    text("name", primary_key=True, doc="duration_ms, result, cpu_ms, memory_peak_mb, attributes.NAME"),
    number("count"),
    Column("total", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("sketch", LargeBinary, nullable=False, doc="console.executions.sketch"),
)
"""Where the numbers of a window lie."""

application_minutes: Final = Table(
    "application_minutes",
    metadata,
    text("application", primary_key=True),
    text("environment", primary_key=True),
    number("minute_us", primary_key=True, doc="begin of the minute in which the executions began"),
    number("count"),
    Column("total_ms", Double, nullable=False),
)
"""The executions of an application's last hours by the minute, for overviews of many applications."""

operation_times: Final = Table(
    "operation_times",
    metadata,
    text("application", primary_key=True),
    text("environment", primary_key=True),
    number("partition", doc="of the topic of executions"),
    number("now_us", doc="what time it is there by most of its executions"),
    number("heard_us", doc="wall time when that was stored"),
    number("late", doc="executions that came too late for any window"),
)
"""What time it is in each application: its windows are merged into longer ones by that."""

execution_origins: Final = Table(
    "execution_origins",
    metadata,
    number("partition", primary_key=True, autoincrement=False),
    text("source", primary_key=True, doc="the topic that executions were made of or forwarded from, and its id"),
    number("source_partition", primary_key=True, autoincrement=False),
    number("number", doc="of the last record from there that is counted"),
)
"""Executions that tracehound itself wrote may come again after a crash: they are known by these."""
