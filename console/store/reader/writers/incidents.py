"""Incidents in rows: each event once, by its id, and one row for the incident as it is, of its highest revision."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import Changes, upsert
from tracehound.console.store.reader.writers.writer import (
    SEVERITY_RANKS,
    Row,
    id_of,
    microseconds,
    name_of,
    text_of,
    words_of_people,
    write_events,
)
from tracehound.console.store.tables import incident_applications, incident_events, incidents
from tracehound.schemas.incident import INCIDENT_TYPES, Incident, IncidentChange, IncidentEvent

_EVENT = msgspec.json.Decoder(IncidentEvent)
_CHANGES: Final[dict[str, IncidentChange]] = {kind: change for change, kind in INCIDENT_TYPES.items()}
_EVENT_COLUMNS: Final = tuple(column.name for column in incident_events.c if column.name != "seq")
_ROW_COLUMNS: Final = tuple(column.name for column in incidents.c)
_REPLACED: Final = Changes(replaced=[name for name in _ROW_COLUMNS if name != "incident_id"], where_higher="revision")


class IncidentWriter:
    """Topic ``severity.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``. It holds the columns of both tables."""
        event = _EVENT.decode(record.value or b"")
        if event.type not in _CHANGES:
            raise ValueError(f"its type is none of an incident: {event.type[:100]!r}")
        data = event.data
        return _now(data) | {
            "id": id_of(event.id),
            "change": _CHANGES[event.type],
            "time_us": microseconds(event.time),
            "reason": words_of_people(data.reason),
            "applications": [name_of(one) for one in data.applications],
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        new = write_events(connection, incident_events, [{name: row[name] for name in _EVENT_COLUMNS} for row in rows])
        ids = {row["id"] for row in new}
        newest: dict[str, Row] = {}
        members: dict[tuple[str, str], None] = {}
        for row in rows:
            if row["id"] not in ids:
                continue
            incident_id = row["incident_id"]
            if incident_id not in newest or row["revision"] > newest[incident_id]["revision"]:
                newest[incident_id] = row
            members |= dict.fromkeys((application, incident_id) for application in row["applications"])
        upsert(
            connection, incidents, [{name: row[name] for name in _ROW_COLUMNS} for row in newest.values()], _REPLACED
        )
        upsert(
            connection,
            incident_applications,
            [{"application": application, "incident_id": incident_id} for application, incident_id in members],
            Changes(replaced=["incident_id"]),
        )
        return len(new)


def kinds_of(kinds: Iterable[str]) -> str:
    """Kinds as a text in which each of them can be found.

    >>> kinds_of(["errors", "latency"]), kinds_of([])
    (',errors,latency,', '')
    """
    return "".join(f"{kind}," for kind in ("", *kinds)) if kinds else ""


def _now(data: Incident) -> Row:
    """The columns that say how an incident is."""
    cause = data.suspected_cause
    return {
        "incident_id": id_of(data.incident_id),
        "revision": data.revision,
        "state": data.state,
        "severity": data.severity,
        "severity_rank": SEVERITY_RANKS[data.severity],
        "environment": name_of(data.environment),
        "opened_at_us": microseconds(data.opened_at),
        "updated_at_us": microseconds(data.updated_at),
        "resolved_at_us": None if data.resolved_at is None else microseconds(data.resolved_at),
        "cause_application": None if cause is None else name_of(cause.application),
        "cause_operation": None if cause is None else name_of(cause.operation),
        "anomaly_count": data.anomaly_count,
        "muted": data.muted_by is not None,
        "recurring": data.recurring is not msgspec.UNSET,
        "summary": words_of_people(data.summary),
        "kinds": kinds_of(data.kinds),
    }
