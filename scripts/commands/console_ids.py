"""What somebody means by the beginning of an id, asked of the console."""

from typing import Final

from tracehound.scripts.commands.identities import resolved
from tracehound.scripts.console.client import ConsoleClient, NotKeptError
from tracehound.scripts.console.shapes import Anomaly, IncidentShape

_LOOKED_THROUGH: Final = 1_000
"""Of so many of the newest anomalies, and incidents, an id may be cut to its beginning."""


def anomaly_of(client: ConsoleClient, given: str) -> Anomaly:
    """The anomaly that is meant.

    Raises:
        UnknownThingError: there is none.
    """
    try:
        return client.get(Anomaly, "anomalies", given)
    except NotKeptError:
        known = [one["id"] for one in client.items(Anomaly, "anomalies", limit=_LOOKED_THROUGH)]
        return client.get(Anomaly, "anomalies", resolved(given, known, "an anomaly", "tracehound anomalies"))


def incident_id_of(client: ConsoleClient, given: str) -> str:
    """The id of the incident that is meant.

    Raises:
        UnknownThingError: there is none.
    """
    try:
        return client.get(IncidentShape, "incidents", given)["data"]["incident_id"]
    except NotKeptError:
        return resolved(given, _incidents(client), "an incident", "tracehound incidents list --all")


def subject_id_of(client: ConsoleClient, given: str) -> str:
    """The id of the anomaly or incident that is meant.

    Raises:
        UnknownThingError: there is neither.
    """
    try:
        return client.get(Anomaly, "anomalies", given)["id"]
    except NotKeptError:
        known = [one["id"] for one in client.items(Anomaly, "anomalies", limit=_LOOKED_THROUGH)]
        see = "tracehound anomalies` or `tracehound incidents list --all"
        return resolved(given, [*known, *_incidents(client)], "an anomaly or incident", see)


def _incidents(client: ConsoleClient) -> list[str]:
    found = client.items(IncidentShape, "incidents", limit=_LOOKED_THROUGH)
    return [one["data"]["incident_id"] for one in found]
