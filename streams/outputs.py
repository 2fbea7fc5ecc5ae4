"""Output events as records: CloudEvents in structured JSON, keyed by application."""

from collections.abc import Iterable

from schemas.anomaly import AnomalyEvent
from schemas.codec import encode
from schemas.model_event import ModelEvent
from streams.publisher import Outgoing

CLOUD_EVENT_HEADERS = (("content-type", b"application/cloudevents+json"),)


def anomalies_outgoing(events: Iterable[AnomalyEvent], topic: str) -> list[Outgoing]:
    """Anomalies as records of ``topic``."""
    return [Outgoing(topic, event.data.application.encode(), encode(event), CLOUD_EVENT_HEADERS) for event in events]


def model_events_outgoing(events: Iterable[ModelEvent], topic: str) -> list[Outgoing]:
    """Model events as records of ``topic``."""
    return [Outgoing(topic, event.data.application.encode(), encode(event), CLOUD_EVENT_HEADERS) for event in events]
