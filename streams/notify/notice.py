"""One thing that one receiver is to be told: an incident as of one event, and what is new about it for them."""

from dataclasses import dataclass

from aiokafka import ConsumerRecord

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import Incident, IncidentChange, IncidentEvent


@dataclass(frozen=True, slots=True)
class Notice:
    """What ``receiver`` is to be told of an incident.

    ``change`` is how it looks from there: *opened* where they hear of it for the first time. ``application`` stays
    the same through the incident's life, whatever joins it. ``severities`` are those they were told before, this
    one left out. ``record`` is what it comes from, ``value`` its bytes.
    """

    receiver: str
    event: IncidentEvent
    change: IncidentChange
    application: str
    severities: tuple[Severity, ...]
    record: ConsumerRecord

    @property
    def incident(self) -> Incident:
        """The incident as of this event."""
        return self.event.data

    @property
    def offset(self) -> int:
        """Where the record is in its partition."""
        return int(self.record.offset)
