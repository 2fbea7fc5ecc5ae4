"""The table of exemplars: anomalous executions, whole, each with a usual one of the same operation."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text

from tracehound.console.store.tables.metadata import metadata, number, text

exemplars: Final = Table(
    "exemplars",
    metadata,
    text("anomaly_id", primary_key=True),
    number("time_us", doc="of the anomaly"),
    text("application"),
    text("environment"),
    text("operation"),
    text("trace_id"),
    number("bytes", doc="of both executions"),
    text("execution", doc="the anomalous one"),
    Column("usual", Text, doc="one of the same operation that is not; null: none was at hand"),
    Index(None, "time_us"),
    Index(None, "application", "time_us"),
    Index(None, "trace_id"),
)
"""``execution`` and ``usual`` are ``Execution`` of ``schemas/execution.py``, without attributes that are private."""
