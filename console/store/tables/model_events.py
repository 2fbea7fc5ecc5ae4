"""The table of what happened to models: readiness, training with its cost, drift, releases, new normals, feedback."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table

from tracehound.console.store.tables.metadata import Number, metadata, number, seq, text

model_events: Final = Table(
    "model_events",
    metadata,
    seq(),
    text("id", unique=True),
    number("time_us"),
    text("application"),
    text("environment"),
    text("operation"),
    text("model"),
    text("change"),
    number("learned"),
    number("needed"),
    text("version", doc="of the application, for a release"),
    text("sentence"),
    Column("cpu_s", Double, doc="this and the next three: for a training run"),
    Column("wall_s", Double),
    Column("samples", Number),
    Column("model_bytes", Number),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "time_us", "seq"),
    Index(None, "application", "time_us", "seq"),
    Index(None, "change", "time_us", "seq"),
    Index(None, "application", "environment", "change", "time_us"),
)
"""``event`` is ``ModelEvent`` of ``schemas/model_event.py``."""
