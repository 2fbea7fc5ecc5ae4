"""Incidents that were told, from the console or from Kafka: the same to whoever prints them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.commands.console_ids import incident_id_of
from tracehound.scripts.commands.console_options import times
from tracehound.scripts.commands.identities import resolved
from tracehound.scripts.commands.known_applications import require_known
from tracehound.scripts.commands.told import stored_incidents
from tracehound.scripts.console.client import console_client
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import load_settings


@dataclass(frozen=True, slots=True)
class IncidentsAsked:
    """Which incidents; ``rank`` is the least severity, ``since`` and ``until`` are epoch seconds of their opening."""

    every: bool
    application: str | None
    environment: str | None
    rank: int
    since: float | None
    until: float | None


@dataclass(frozen=True, slots=True)
class ToldIncidents:
    """Events of incidents, as they came (``items``) and as they are read, and a sentence about all there are."""

    items: Sequence[Any]
    events: Sequence[IncidentEvent]
    summary: str = ""


def incidents_of_console(asked: IncidentsAsked, limit: int) -> ToldIncidents:
    """The newest first, each as it is now.

    Raises:
        ConsoleAnswerError: the console is away, or refuses.
    """
    client = console_client()
    items = client.items(
        dict[str, Any],
        "incidents",
        limit=limit,
        application=asked.application,
        environment=asked.environment,
        state=None if asked.every else ["open", "persisting"],
        severity=SEVERITIES[asked.rank :],
        **times(asked.since, asked.until),
    )
    events = [client.read(one, IncidentEvent) for one in items]
    return ToldIncidents(items, events, f"{len(items)} incidents.")


def incidents_of_kafka(asked: IncidentsAsked, limit: int) -> ToldIncidents:
    """The newest first, each as it is now.

    Raises:
        TracehoundError: there is no such application.
        BrokerError: no broker answers, or the topic does not exist.
    """
    settings = load_settings()
    with TopicReader(settings) as reader:
        if asked.application is not None or asked.environment is not None:
            require_known(reader, settings, asked.application, asked.environment)
        stored = stored_incidents(reader, settings)
    found = [events[-1] for events in stored.values() if _is_asked(events[-1], asked)]
    found.sort(key=lambda event: event.data.updated_at, reverse=True)
    shown = found[: max(limit, 0)]
    open_ones = sum(events[-1].data.state != "resolved" for events in stored.values())
    summary = f"{len(shown)} of {len(stored)} incidents; {open_ones} are not resolved."
    return ToldIncidents(msgspec.to_builtins(shown), shown, summary)


def _is_asked(event: IncidentEvent, asked: IncidentsAsked) -> bool:
    data = event.data
    opened_s = epoch_seconds(data.opened_at)
    return (
        (asked.every or data.state != "resolved")
        and asked.application in (None, *data.applications)
        and asked.environment in (None, data.environment)
        and SEVERITIES.index(data.severity) >= asked.rank
        and (asked.since is None or opened_s >= asked.since)
        and (asked.until is None or opened_s < asked.until)
    )


def life_of_console(given: str) -> ToldIncidents:
    """All events of the incident whose id begins so, in their order.

    Raises:
        ConsoleAnswerError: the console is away, or refuses.
        UnknownThingError: there is none.
    """
    client = console_client()
    items = client.page(dict[str, Any], "incidents", incident_id_of(client, given), "timeline")["items"]
    return ToldIncidents(items, [client.read(one, IncidentEvent) for one in items])


def life_of_kafka(given: str) -> ToldIncidents:
    """All events of the incident whose id begins so, in their order.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
        UnknownThingError: there is none.
    """
    settings = load_settings()
    with TopicReader(settings) as reader:
        stored = stored_incidents(reader, settings)
    events = stored[resolved(given, stored, "an incident", "tracehound incidents list --all")]
    return ToldIncidents(msgspec.to_builtins(events), events)
