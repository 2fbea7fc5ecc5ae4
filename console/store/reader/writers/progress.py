"""Progress in rows: the newest of each application, what was scored by minutes of event time, and whom it called.

A progress record has no id: one that a worker sends twice is counted twice, here as everywhere.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import Changes, add_up, upsert
from tracehound.console.store.reader.writers.writer import Row, microseconds, name_of, text_of
from tracehound.console.store.tables import application_progress, applications, named_calls
from tracehound.schemas.call_graph import WINDOW_S
from tracehound.schemas.progress import Progress

_PROGRESS = msgspec.json.Decoder(Progress)
_MINUTE_US: Final = 60_000_000
_BYTES_OF_MINUTE: Final = 100
_COUNTS: Final = ("executions", "errors", "anomalies")
_ADDED: Final = Changes(added=_COUNTS, replaced=["told_us"])
_WINDOW_US: Final = WINDOW_S * 1_000_000
_BYTES_OF_CALL: Final = 100
_CALLED: Final = Changes(added=["count"], replaced=["told_us"])
_NEWEST: Final = Changes(replaced=["scored_through_us", "event"], where_higher="scored_through_us")


class ProgressWriter:
    """Topic ``progress.v1``."""

    def row(self, record: Record) -> Row:
        """See ``Writer``."""
        data = _PROGRESS.decode(record.value or b"")
        return {
            "time_us": microseconds(data.scored_through),
            "application": name_of(data.application),
            "environment": name_of(data.environment),
            "executions": data.executions,
            "errors": data.errors,
            "anomalies": data.anomalies,
            "told_us": record.told_us,
            "event": text_of(record.value),
            "calls": {name_of(peer): count for peer, count in data.calls.items()},
        }

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """See ``Writer``: every record is new."""
        by_application: dict[tuple[str, str], Row] = {}
        by_minute: dict[tuple[str, str, int], Row] = {}
        called: dict[tuple[str, str, str, int], Row] = {}
        for row in rows:
            application = row["application"], row["environment"]
            minute_us = row["time_us"] // _MINUTE_US * _MINUTE_US
            _add(by_minute.setdefault((*application, minute_us), _begin(row) | {"minute_us": minute_us}), row)
            _add_calls(called, row)
            state = by_application.setdefault(application, _begin(row) | _state(row))
            _add(state, row)
            if row["time_us"] > state["scored_through_us"]:
                state |= {"scored_through_us": row["time_us"], "event": row["event"]}
        states = list(by_application.values())
        upsert(connection, applications, states, _ADDED)
        upsert(connection, applications, states, _NEWEST)
        add_up(connection, application_progress, list(by_minute.values()), _ADDED, _BYTES_OF_MINUTE)
        add_up(connection, named_calls, list(called.values()), _CALLED, _BYTES_OF_CALL)
        return len(rows)


def _begin(row: Row) -> Row:
    own = {name: row[name] for name in ("application", "environment", "told_us")}
    return own | dict.fromkeys(_COUNTS, 0)


def _state(row: Row) -> Row:
    return {"scored_through_us": row["time_us"], "first_seen_us": row["time_us"], "event": row["event"]}


def _add(sums: Row, row: Row) -> None:
    for name in _COUNTS:
        sums[name] += row[name]
    sums["told_us"] = max(sums["told_us"], row["told_us"])


def _add_calls(sums: dict[tuple[str, str, str, int], Row], row: Row) -> None:
    window_us = row["time_us"] // _WINDOW_US * _WINDOW_US
    for peer, count in row["calls"].items():
        begin = {name: row[name] for name in ("application", "environment", "told_us")}
        begin |= {"peer": peer, "window_us": window_us, "count": 0}
        of_peer = sums.setdefault((row["application"], row["environment"], peer, window_us), begin)
        of_peer["count"] += count
        of_peer["told_us"] = max(of_peer["told_us"], row["told_us"])
