"""Tells on a topic what became of messages to receivers."""

from collections.abc import Callable

import structlog

from tracehound.schemas.codec import encode
from tracehound.schemas.delivery import DELIVERY_TYPES, DeliveryEvent, DeliveryOutcome, DeliveryReport, delivery_id
from tracehound.schemas.execution import rfc3339
from tracehound.streams.delivery.outputs import CLOUD_EVENT_HEADERS
from tracehound.streams.kafka.publisher import Outgoing, Publisher, RefusedError
from tracehound.streams.notify.notice import Notice

log = structlog.get_logger(__name__)


class DeliveryReports:
    """Sends reports of deliveries; one is lost where the process ends at that moment, never the message itself.

    Parameters:
        clock: wall time in epoch seconds.
    """

    def __init__(self, publisher: Publisher, topic: str, clock: Callable[[], float]) -> None:
        self._publisher, self._topic, self._clock = publisher, topic, clock

    async def report(self, notice: Notice, kind: str, reason: str) -> None:
        """Tell that a message was taken, or given up for a reason; returns once that is safe."""
        now_s = self._clock()
        outcome: DeliveryOutcome = "given_up" if reason else "delivered"
        report = DeliveryReport(
            receiver=notice.receiver,
            kind=kind,
            incident_id=notice.incident.incident_id,
            event_id=notice.event.id,
            revision=notice.incident.revision,
            change=notice.change,
            severity=notice.incident.severity,
            outcome=outcome,
            delay_s=round(max(0.0, now_s - float(notice.record.timestamp) / 1000), 3),
            reason=reason,
        )
        source, subject = notice.event.source, report.incident_id
        event = DeliveryEvent(delivery_id(report), source, DELIVERY_TYPES[outcome], subject, rfc3339(now_s), report)
        try:
            await self._publisher.publish(Outgoing(self._topic, subject.encode(), encode(event), CLOUD_EVENT_HEADERS))
        except RefusedError as error:
            log.warning("delivery_not_reported", receiver=notice.receiver, event_id=notice.event.id, cause=str(error))
