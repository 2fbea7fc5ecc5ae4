"""The tables of the reader itself: how far each topic is stored, how much is kept, and what could not be read."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table

from tracehound.console.store.tables.metadata import Number, metadata, number, seq, text

offsets: Final = Table(
    "offsets",
    metadata,
    text("topic", primary_key=True),
    number("partition", primary_key=True),
    text("topic_id", doc="what the cluster gave the topic when it was made; empty: nobody knows"),
    number("next_offset", doc="of the first record that is not stored yet"),
    Column("time_us", Number, doc="newest event time that is stored"),
)
"""Written in the transaction that writes the rows: the truth about what is stored."""

kept: Final = Table(
    "kept",
    metadata,
    text("table", primary_key=True),
    number("rows"),
    number("bytes"),
)
"""How many rows of a table there are and how many bytes their events have; changes with them."""

unreadable: Final = Table(
    "unreadable",
    metadata,
    seq(),
    text("id", unique=True, doc="topic, its id, partition and offset"),
    text("topic"),
    number("partition"),
    number("offset"),
    number("told_us", doc="Kafka's timestamp of the record"),
    text("reason"),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    number("bytes", doc="of value and key"),
    Index(None, "told_us", "seq"),
)
"""Records of the output topics that are none of what should be there."""
