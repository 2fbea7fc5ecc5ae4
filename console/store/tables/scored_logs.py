"""The table of log events with their template and severity, found by what they are and by words of their message."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table, Text

from tracehound.console.store.tables.metadata import metadata, number, seq, text
from tracehound.console.store.tables.words import Words

scored_logs: Final = Table(
    "scored_logs",
    metadata,
    seq(),
    text("id", unique=True),
    number("time_us"),
    text("application"),
    text("environment"),
    text("host"),
    text("level"),
    number("level_rank", doc="0 trace, 1 debug, 2 info, 3 warning, 4 error, 5 critical"),
    text("template_id"),
    Column("severity", Text),
    number("severity_rank", doc="-1 none, 0 minor, 1 major, 2 critical"),
    Column("score", Double, nullable=False),
    Column("anomaly_id", Text),
    text("trace_id"),
    text("message"),
    Column("words", Words, nullable=False, doc="of the message, for has_words"),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "time_us", "seq"),
    Index(None, "application", "time_us", "seq"),
    Index(None, "application", "template_id", "time_us", "seq"),
    Index(None, "level_rank", "time_us", "seq"),
    Index(None, "severity_rank", "time_us", "seq"),
    Index(None, "trace_id"),
    Index("ix_scored_logs_words", "words", postgresql_using="gin").ddl_if("postgresql"),
)
"""``event`` is ``ScoredLogEvent`` of ``schemas/scored_log.py``."""
