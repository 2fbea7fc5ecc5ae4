"""The tables of tunings: the candidates that are to be tried, and what each would have told."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table

from tracehound.console.store.tables.metadata import metadata, number, seq, text

tuning_tasks: Final = Table(
    "tuning_tasks",
    metadata,
    seq(),
    text("id", unique=True),
    text("tuning"),
    number("number", doc="of the candidate; 0: the settings as they are"),
    text("application"),
    text("environment"),
    number("time_us", doc="when it was asked for"),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "tuning", "number"),
    Index(None, "number", "time_us", "seq"),
)
"""``event`` is ``TuningTask`` of ``schemas/tuning.py``."""

tuning_results: Final = Table(
    "tuning_results",
    metadata,
    seq(),
    text("id", unique=True),
    text("tuning"),
    number("number"),
    text("state", doc="done, cut, failed, expired or cancelled"),
    Column("cpu_s", Double, nullable=False),
    number("time_us", doc="when it was told"),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "tuning", "number"),
)
"""``event`` is ``TuningResult`` of ``schemas/tuning.py``; one whose id is its tuning's says that it was given up."""
