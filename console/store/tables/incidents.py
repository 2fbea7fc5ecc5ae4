"""The tables of incidents: each as it is now, and everything that was told of it."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, Text, false

from tracehound.console.store.tables.metadata import Number, metadata, number, seq, text

incidents: Final = Table(
    "incidents",
    metadata,
    text("incident_id", primary_key=True),
    number("revision"),
    text("state"),
    text("severity"),
    number("severity_rank", doc="0 minor, 1 major, 2 critical"),
    text("environment"),
    number("opened_at_us"),
    number("updated_at_us"),
    Column("resolved_at_us", Number),
    Column("cause_application", Text),
    Column("cause_operation", Text),
    number("anomaly_count"),
    Column("muted", Boolean, nullable=False),
    Column("recurring", Boolean, server_default=false(), nullable=False, doc="as on other days, and no worse"),
    text("summary"),
    text("kinds", server_default="", doc="of its anomalies, each with a comma before and behind it"),
    number("told_us", doc="when the last event of it was told"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "told_us"),
    Index(None, "opened_at_us", "incident_id"),
    Index(None, "updated_at_us", "incident_id"),
    Index(None, "state", "opened_at_us", "incident_id"),
    Index(None, "severity_rank", "opened_at_us", "incident_id"),
)
"""An incident's row is made of its event with the highest revision, which is ``event``."""

is_open: Final = (incidents.c.state != "resolved") & ~incidents.c.recurring
"""That something is wrong now: what is as on other days, and no worse, is not."""

is_quiet: Final = (incidents.c.state != "resolved") & incidents.c.recurring
"""That something goes on now that is as on other days, and no worse."""

incident_applications: Final = Table(
    "incident_applications",
    metadata,
    text("application", primary_key=True),
    Column(
        "incident_id", Text, ForeignKey("incidents.incident_id", ondelete="CASCADE"), nullable=False, primary_key=True
    ),
    Index(None, "incident_id"),
)
"""The applications that were ever part of an incident."""

incident_events: Final = Table(
    "incident_events",
    metadata,
    seq(),
    text("id", unique=True),
    text("incident_id"),
    number("revision"),
    text("change", doc="opened, updated or resolved"),
    number("time_us"),
    text("state"),
    text("severity"),
    text("reason"),
    number("told_us", doc="Kafka's timestamp of its record: what its age is counted from"),
    number("bytes", doc="of event"),
    text("event"),
    Index(None, "incident_id", "revision"),
    Index(None, "time_us", "seq"),
)
"""Every event of an incident's life: its timeline; ``event`` is ``IncidentEvent`` of ``schemas/incident.py``."""
