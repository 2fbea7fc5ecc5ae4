"""Anomalies in rows: each event once, by its id."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.writer import (
    SEVERITY_RANKS,
    Row,
    finite,
    id_of,
    microseconds,
    name_of,
    text_of,
    write_events,
)
from tracehound.console.store.tables import anomalies
from tracehound.schemas.anomaly import AnomalyEvent

_EVENT = msgspec.json.Decoder(AnomalyEvent)


class AnomalyWriter:
    """Topic ``anomalies.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        event = _EVENT.decode(record.value or b"")
        data = event.data
        return {
            "id": id_of(event.id),
            "time_us": microseconds(event.time),
            "application": name_of(data.application),
            "environment": name_of(data.environment),
            "operation": name_of(data.operation),
            "version": name_of(data.version),
            "kind": data.kind,
            "severity": data.severity,
            "severity_rank": SEVERITY_RANKS[data.severity],
            "score": finite(data.score),
            "signal": name_of(data.signal),
            "incident_key": name_of(data.incident_key),
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, anomalies, rows))
