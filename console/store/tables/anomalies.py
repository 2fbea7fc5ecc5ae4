"""The table of anomalies."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table

from tracehound.console.store.tables.metadata import metadata, number, seq, text

anomalies: Final = Table(
    "anomalies",
    metadata,
    seq(),
    text("id", unique=True),
    number("time_us"),
    text("application"),
    text("environment"),
    text("operation"),
    text("version"),
    text("kind"),
    text("severity"),
    number("severity_rank", doc="0 minor, 1 major, 2 critical"),
    Column("score", Double, nullable=False),
    text("signal"),
    text("incident_key"),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "time_us", "seq"),
    Index(None, "application", "time_us", "seq"),
    Index(None, "application", "severity_rank", "time_us", "seq"),
    Index(None, "application", "operation", "time_us", "seq"),
    Index(None, "severity_rank", "time_us", "seq"),
    Index(None, "kind", "time_us", "seq"),
    Index(None, "environment", "time_us", "seq"),
    Index(None, "environment", "kind", "time_us", "seq"),
    Index(None, "incident_key", "time_us", "seq"),
)
"""An anomaly's ``event`` is ``AnomalyEvent`` of ``schemas/anomaly.py``."""
