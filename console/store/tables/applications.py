"""The tables of applications: what is known of each now, and what was scored of it over time."""

from typing import Final

from sqlalchemy import Index, Table

from tracehound.console.store.tables.metadata import metadata, number, text

applications: Final = Table(
    "applications",
    metadata,
    text("application", primary_key=True),
    text("environment", primary_key=True),
    number("scored_through_us"),
    number("first_seen_us"),
    number("executions", doc="scored since it is known here"),
    number("errors"),
    number("anomalies"),
    number("told_us"),
    text("event"),
    Index(None, "scored_through_us"),
    Index(None, "told_us"),
)
"""A row for each application that progress was told of; ``event`` is its newest ``Progress``."""

application_progress: Final = Table(
    "application_progress",
    metadata,
    text("application", primary_key=True),
    text("environment", primary_key=True),
    number("minute_us", primary_key=True, doc="begin of the minute in which scored_through lies"),
    number("executions"),
    number("errors"),
    number("anomalies"),
    number("told_us"),
    Index(None, "minute_us"),
    Index(None, "told_us"),
)
"""What was scored, added up by the minute of event time that it reached to."""
