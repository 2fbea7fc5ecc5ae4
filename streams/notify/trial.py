"""A trial of a receiver: an incident that is none is opened and resolved at once, and says that it is a trial."""

import time
from uuid import uuid4

from aiokafka import ConsumerRecord

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import INCIDENT_TYPES, Incident, IncidentChange, IncidentEvent, IncidentState
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.outcome import Failed, Outcome, Receiver

SUMMARY = "This is a test of tracehound's notifications. Nothing is wrong."
_APPLICATION = "tracehound-test"


async def try_receiver(name: str, receiver: Receiver, by: str) -> Outcome:
    """Tell a receiver of an incident that is none, and that it is over; how the first of these that failed ended."""
    incident_id, now_s = f"test-{uuid4().hex}", time.time()
    opened = await receiver.tell(_notice(name, incident_id, "opened", now_s, by))
    if isinstance(opened, Failed):
        return opened
    return await receiver.tell(_notice(name, incident_id, "resolved", now_s, by))


def _notice(name: str, incident_id: str, change: IncidentChange, now_s: float, by: str) -> Notice:
    revision, moment = (0 if change == "opened" else 1), rfc3339(now_s)
    state: IncidentState = "open" if change == "opened" else "resolved"
    incident = Incident(
        incident_id=incident_id,
        dedup_key=incident_id,
        revision=revision,
        state=state,
        severity="minor",
        previous_severity=None,
        summary=SUMMARY,
        reason=f"asked for by {by}",
        environment="",
        opened_at=moment,
        updated_at=moment,
        resolved_at=moment if change == "resolved" else None,
        applications=[_APPLICATION],
        operations=[],
        operation_count=0,
        kinds=[],
        suspected_cause=None,
        runner_up=None,
        anomaly_count=0,
        top_anomalies=[],
        exemplar_trace_ids=[],
        releases=[],
        reopened=0,
        muted_by=None,
    )
    event = IncidentEvent(
        f"{incident_id}-{revision}", "tracehound/test", INCIDENT_TYPES[change], incident_id, moment, incident
    )
    key, value = incident_id.encode(), encode(event)
    record = ConsumerRecord("", 0, revision, int(now_s * 1_000), 0, key, value, None, len(key), len(value), ())
    return Notice(name, event, change, _APPLICATION, (), record)
