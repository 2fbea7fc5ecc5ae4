"""What was told so far, read from its topics: anomalies, and incidents with all that happened to them."""

from collections.abc import Iterable, Iterator

import msgspec
from aiokafka import ConsumerRecord

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings

_decode_anomaly = msgspec.json.Decoder(AnomalyEvent).decode
_decode_incident = msgspec.json.Decoder(IncidentEvent).decode


def incidents_of(messages: Iterable[ConsumerRecord]) -> dict[str, list[IncidentEvent]]:
    """The events of each incident, by its id, in the order in which they happened; each event once.

    Records that hold no incident are passed over: whoever reads the topic to tell people makes dead letters of them.
    """
    found: dict[str, dict[int, IncidentEvent]] = {}
    for message in messages:
        try:
            event = _decode_incident(message.value or b"")
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        found.setdefault(event.data.incident_id, {})[event.data.revision] = event
    return {identity: [events[number] for number in sorted(events)] for identity, events in found.items()}


def stored_incidents(reader: TopicReader, settings: Settings) -> dict[str, list[IncidentEvent]]:
    """All incidents that are stored.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
    """
    topic = settings.topics.severity.name
    return incidents_of(reader.scan(topic, reader.ends(topic)))


def subjects_like(reader: TopicReader, settings: Settings, beginning: str) -> dict[str, str]:
    """What can be judged whose id begins so: a sentence about each anomaly and incident, by its id.

    Raises:
        BrokerError: no broker answers, or a topic does not exist.
    """
    incidents = {
        identity: f"the incident {events[-1].data.summary!r}"
        for identity, events in stored_incidents(reader, settings).items()
        if identity.startswith(beginning)
    }
    return incidents | dict(_anomalies_like(reader, settings, beginning))


def _anomalies_like(reader: TopicReader, settings: Settings, beginning: str) -> Iterator[tuple[str, str]]:
    topic = settings.topics.anomalies.name
    for message in reader.scan(topic, reader.ends(topic)):
        try:
            event = _decode_anomaly(message.value or b"")
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        if event.id.startswith(beginning):
            yield event.id, f"the anomaly {event.data.reason!r}"
