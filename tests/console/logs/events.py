"""Scored log events and anomalies as they are stored."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import insert

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import anomalies, scored_logs
from tracehound.console.store.tables.words import words_of
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.log_levels import LEVELS
from tracehound.schemas.scored_log import SCORED_LOG_TYPE, SEVERITY_OF_LEVEL, ScoredLog, ScoredLogEvent

S = 1_000_000
_SEVERITIES = ("minor", "major", "critical")


def scored(identifier: str, message: str, time_us: int, **fields: Any) -> ScoredLogEvent:
    """A scored log event; fields of its data are given by name."""
    level = fields.get("level", "info")
    given = {
        **{"application": "shop", "environment": "", "version": "", "host": "", "level": level, "message": message},
        **{"template": message, "template_id": "1", "template_count": 1, "severity": SEVERITY_OF_LEVEL.get(level)},
        **{"score": 0.0, "warming": True, "anomaly_id": None, "trace_id": "", "attributes": {}},
    }
    data = msgspec.convert({"id": identifier, **given, **fields}, ScoredLog)
    return ScoredLogEvent(identifier, "tracehound", SCORED_LOG_TYPE, data.application, rfc3339(time_us / S), data)


def store_logs(store: Store, events: Sequence[ScoredLogEvent], times_us: Sequence[int]) -> None:
    """Write events as the reader of topics does."""
    rows = []
    for event, time_us in zip(events, times_us, strict=True):
        data, encoded = event.data, encode(event).decode()
        rows.append(
            {
                **{name: getattr(data, name) for name in ("application", "environment", "host", "level", "severity")},
                **{name: getattr(data, name) for name in ("template_id", "score", "anomaly_id", "trace_id", "message")},
                **{"id": event.id, "time_us": time_us, "told_us": time_us, "level_rank": LEVELS.index(data.level)},
                "severity_rank": -1 if data.severity is None else _SEVERITIES.index(data.severity),
                **{"words": words_of(data.message), "bytes": len(encoded), "event": encoded},
            }
        )
    with store.write() as connection:
        connection.execute(insert(scored_logs), rows)


def store_burst(store: Store, identifier: str, application: str, template: str, time_us: int) -> None:
    """Write an anomaly of how often a template came."""
    row = {
        **{
            "id": identifier,
            "time_us": time_us,
            "told_us": time_us,
            "application": application,
            "environment": "",
            "operation": template,
        },
        **{"version": "", "kind": "traffic", "severity": "minor", "severity_rank": 0, "score": 9.0},
        **{"signal": "template_rate", "incident_key": "", "bytes": 2, "event": "{}"},
    }
    with store.write() as connection:
        connection.execute(insert(anomalies), [row])
