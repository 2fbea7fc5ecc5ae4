"""The table of dead letters: records that could not be used, with their original bytes."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table

from tracehound.console.store.tables.metadata import Number, metadata, number, seq, text

dead_letters: Final = Table(
    "dead_letters",
    metadata,
    seq(),
    text("id", unique=True, doc="a digest of what it is: one that is told twice is kept once"),
    number("time_us", doc="when it was refused: Kafka's timestamp of the dead letter"),
    number("told_us", doc="the same"),
    text("source_topic"),
    number("source_partition"),
    number("source_offset"),
    number("source_time_us", doc="Kafka's timestamp of the refused record"),
    text("stage"),
    text("error"),
    text("reason"),
    text("format"),
    Column("cut_from", Number, doc="how many bytes its value had, where it was too long even for the dead letters"),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    text("headers", doc="those of the record itself: JSON, [[name, base64], …]"),
    number("position_partition", doc="where it is on the topic of dead letters"),
    number("position_offset"),
    number("bytes", doc="of value, key and headers"),
    Index(None, "time_us", "seq"),
    Index(None, "source_topic", "time_us", "seq"),
    Index(None, "stage", "time_us", "seq"),
)
"""Each as ``DeadLetter`` of ``schemas/dead_letter.py``."""
