"""Output events as records: CloudEvents in structured JSON, keyed by application, and what incidents are made of."""

from collections.abc import Iterable

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import encode
from tracehound.schemas.incident_input import IncidentInput, encode_input
from tracehound.schemas.model_event import ModelEvent, ModelEventKind
from tracehound.schemas.scored_log import ScoredLogEvent
from tracehound.streams.kafka.publisher import Outgoing

_CHANGES_OF_INCIDENTS: frozenset[ModelEventKind] = frozenset({"release", "new_normal"})
CLOUD_EVENT_HEADERS = (("content-type", b"application/cloudevents+json"),)


def anomalies_outgoing(events: Iterable[AnomalyEvent], topic: str) -> list[Outgoing]:
    """Anomalies as records of ``topic``."""
    return [Outgoing(topic, event.data.application.encode(), encode(event), CLOUD_EVENT_HEADERS) for event in events]


def log_outgoing(event: ScoredLogEvent, topic: str) -> Outgoing:
    """A scored log event as a record of ``topic``."""
    return Outgoing(topic, event.data.application.encode(), encode(event), CLOUD_EVENT_HEADERS)


def model_events_outgoing(events: Iterable[ModelEvent], topic: str) -> list[Outgoing]:
    """Model events as records of ``topic``."""
    return [Outgoing(topic, event.data.application.encode(), encode(event), CLOUD_EVENT_HEADERS) for event in events]


def incident_input_outgoing(told: Iterable[IncidentInput], topic: str) -> list[Outgoing]:
    """What incidents are made of as records of ``topic``, keyed by environment: all of them are in one partition."""
    return [Outgoing(topic, _environment_of(one).encode(), encode_input(one)) for one in told]


def incident_input_of(anomalies: Iterable[AnomalyEvent], changes: Iterable[ModelEvent]) -> list[IncidentInput]:
    """What incidents have to know of these."""
    return [
        *(IncidentInput(change=event) for event in changes if event.data.change in _CHANGES_OF_INCIDENTS),
        *(IncidentInput(anomaly=event) for event in anomalies),
    ]


def _environment_of(told: IncidentInput) -> str:
    for event in (told.anomaly, told.change):
        if event is not None:
            return event.data.environment
    return "" if told.progress is None else told.progress.environment
