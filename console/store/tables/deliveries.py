"""The table of messages to receivers, and what became of them."""

from typing import Final

from sqlalchemy import Column, Double, Index, Table

from tracehound.console.store.tables.metadata import metadata, number, seq, text

deliveries: Final = Table(
    "deliveries",
    metadata,
    seq(),
    text("id", unique=True),
    number("time_us", doc="when it ended"),
    text("receiver"),
    text("kind"),
    text("incident_id"),
    text("event_id"),
    text("change"),
    text("outcome", doc="delivered or given_up"),
    Column("delay_s", Double, nullable=False),
    text("reason"),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "time_us", "seq"),
    Index(None, "receiver", "time_us", "seq"),
    Index(None, "incident_id", "time_us", "seq"),
)
"""``event`` is ``DeliveryEvent`` of ``schemas/delivery.py``."""
