"""The table of settings that applications have, or had, of their own."""

from typing import Final

from sqlalchemy import Index, Table

from tracehound.console.store.tables.metadata import metadata, number, seq, text

application_settings: Final = Table(
    "application_settings",
    metadata,
    seq(),
    text("id", unique=True),
    text("application"),
    text("environment"),
    number("version"),
    number("time_us", doc="when they were asked for"),
    number("told_us", doc="Kafka's timestamp of the record"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "time_us", "seq"),
    Index(None, "application", "environment", "seq"),
)
"""Every version that was read; ``event`` is ``ApplicationSettings`` of ``schemas/application_settings.py``. They are
few, and never removed: the newest of an application is in force, however old it is.
"""
