"""The tables of what people say: verdicts on anomalies and incidents, and maintenance windows."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Table

from tracehound.console.store.tables.metadata import metadata, number, text

verdicts: Final = Table(
    "verdicts",
    metadata,
    text("subject_id", primary_key=True, doc="of the anomaly or incident that is judged"),
    text("judgement"),
    number("judged_at_us"),
    text("by"),
    text("note"),
    Column("withdrawn", Boolean, nullable=False),
    number("told_us", doc="Kafka's timestamp"),
    text("event"),
    Index(None, "judged_at_us", "subject_id"),
    Index(None, "told_us"),
)
"""The last verdict on each subject; ``event`` is ``Verdict`` of ``schemas/feedback.py``."""

maintenance_windows: Final = Table(
    "maintenance_windows",
    metadata,
    text("window_id", primary_key=True),
    number("starts_at_us"),
    number("ends_at_us"),
    text("application", doc="empty: all of the environment"),
    text("environment", doc="*: every one"),
    Column("learn", Boolean, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    number("told_us", doc="Kafka's timestamp"),
    text("event"),
    Index(None, "starts_at_us", "window_id"),
    Index(None, "told_us"),
)
"""What was last said of each window; ``event`` is ``Maintenance`` of ``schemas/feedback.py``."""
