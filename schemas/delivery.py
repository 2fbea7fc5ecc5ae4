"""What became of a message to a receiver: taken by it, or given up."""

from hashlib import blake2b
from typing import Literal

import msgspec

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.execution import Count
from tracehound.schemas.incident import IncidentChange

DeliveryOutcome = Literal["delivered", "given_up"]
DELIVERY_TYPES: dict[DeliveryOutcome, str] = {
    "delivered": "io.tracehound.notification.delivered.v1",
    "given_up": "io.tracehound.notification.given-up.v1",
}


class DeliveryReport(msgspec.Struct):
    """One message about an incident, to one receiver.

    ``event_id`` is that of the incident's event that it was about. ``change`` is how that looked from the receiver's
    side. ``delay_s`` is the time from that event's record to the outcome. ``reason`` says why it was given up, in one
    sentence without secrets; it is empty where it was taken.
    """

    receiver: str
    kind: str
    incident_id: str
    event_id: str
    revision: Count
    change: IncidentChange
    severity: Severity
    outcome: DeliveryOutcome
    delay_s: float
    reason: str


class DeliveryEvent(msgspec.Struct):
    """CloudEvents 1.0 envelope of a delivery (structured JSON); ``time`` is when it ended.

    ``id`` follows from event, receiver, change and outcome: a message that is sent again after a crash has the same.
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: DeliveryReport
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"


def delivery_id(report: DeliveryReport) -> str:
    """The id of a delivery's event."""
    said = (report.event_id, report.receiver, report.change, report.outcome)
    return blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()
