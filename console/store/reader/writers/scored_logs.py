"""Scored log events in rows: each event once, by its id."""

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
    words_of_people,
    write_events,
)
from tracehound.console.store.tables import scored_logs
from tracehound.console.store.tables.words import words_of
from tracehound.schemas.log_levels import LEVELS
from tracehound.schemas.scored_log import ScoredLogEvent

_EVENT = msgspec.json.Decoder(ScoredLogEvent)
_LEVEL_RANKS = {level: rank for rank, level in enumerate(LEVELS)}


class ScoredLogWriter:
    """Topic ``scored-logs.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        event = _EVENT.decode(record.value or b"")
        data = event.data
        return {
            "id": id_of(event.id),
            "time_us": microseconds(event.time),
            "application": name_of(data.application),
            "environment": name_of(data.environment),
            "host": name_of(data.host),
            "level": data.level,
            "level_rank": _LEVEL_RANKS[data.level],
            "template_id": name_of(data.template_id),
            "severity": data.severity,
            "severity_rank": SEVERITY_RANKS[data.severity],
            "score": finite(data.score),
            "anomaly_id": None if data.anomaly_id is None else id_of(data.anomaly_id),
            "trace_id": name_of(data.trace_id),
            "message": words_of_people(data.message),
            "words": words_of(data.message),
            "told_us": record.told_us,
            "bytes": len(record.value or b""),
            "event": text_of(record.value),
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``."""
        return len(write_events(connection, scored_logs, rows))
