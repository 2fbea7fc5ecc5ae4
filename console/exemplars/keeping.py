"""Keeps the executions that anomalies name, while the newest executions are still in memory."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Connection, delete, exists, func, select

from tracehound.console.executions.recent import Recent, RecentExecution
from tracehound.console.executions.rows import insert_missing
from tracehound.console.exemplars.choosing import anomalous, usual
from tracehound.console.exemplars.presentable import presentable
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import anomalies, exemplars
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent
from tracehound.schemas.execution import epoch_seconds

_AT_ONCE: Final = 500
_BACK: Final = 2_000
"""So many of the last anomalies are looked at again after a start."""
_MOST_WAITING: Final = 2_000
_PATIENCE = 60
"""So many looks, at a distance of some seconds, an anomaly waits for the execution that it names."""
_MOST_EXEMPLAR_BYTES: Final = 2_000_000
_LONGEST_TRACE_ID: Final = 200
_TIDIED_EVERY = 300

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    event: AnomalyEvent
    time_us: int
    looks: int = 0


@dataclass(slots=True)
class ExemplarKeeper:
    """Looks, after each storing, for executions that anomalies of the store name. Several processes may do so.

    Parameters:
        private: words in names of attributes that are not kept.
        most_bytes: of all exemplars; the oldest go first.
    """

    store: Store
    private: frozenset[str]
    most_bytes: int
    _after: int | None = None
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _looks: int = 0
    _bytes: int = 0

    def look(self, recent: Recent) -> None:
        """Keep what is there of anomalies that were told since.

        Raises:
            StoreError: the database is away.
        """
        self._hear()
        rows = []
        for anomaly_id, waiting in list(self._waiting.items()):
            row = self._row(anomaly_id, waiting, recent)
            waiting.looks += 1
            if row is not None:
                rows.append(row)
            if row is not None or waiting.looks > _PATIENCE:
                del self._waiting[anomaly_id]
        tidy = self._looks % _TIDIED_EVERY == 0
        self._looks += 1
        if rows or tidy:
            with self.store.write() as connection:
                insert_missing(connection, exemplars, rows)
                self._bytes += sum(row["bytes"] for row in rows)
                if tidy:
                    self._remove_orphans(connection)
                if self._bytes > self.most_bytes:
                    self._remove_oldest(connection)

    def _hear(self) -> None:
        columns = anomalies.c
        with self.store.read() as connection:
            if self._after is None:
                self._after = (connection.execute(select(func.max(columns.seq))).scalar() or 0) - _BACK
            found = connection.execute(
                select(columns.seq, columns.id, columns.time_us, columns.event)
                .outerjoin(exemplars, exemplars.c.anomaly_id == columns.id)
                .where(columns.seq > self._after, exemplars.c.anomaly_id.is_(None))
                .order_by(columns.seq)
                .limit(_AT_ONCE)
            ).all()
        for seq, anomaly_id, time_us, stored in found:
            self._after = seq
            event = _event_of(stored)
            if event is not None and event.data.exemplar_trace_ids:
                self._waiting[anomaly_id] = _Waiting(event, time_us)
        for oldest in list(self._waiting)[: max(0, len(self._waiting) - _MOST_WAITING)]:
            del self._waiting[oldest]

    def _row(self, anomaly_id: str, waiting: _Waiting, recent: Recent) -> dict[str, Any] | None:
        anomaly = waiting.event.data
        key = (anomaly.application, anomaly.environment)
        found = anomalous(recent.of(key), anomaly, epoch_seconds(waiting.event.time))
        shown = None if found is None else self._json(found)
        if found is None or shown is None:
            return None
        beside = usual(recent.of(key), anomaly, found, self._unusual(anomaly))
        beside_json = None if beside is None else self._json(beside)
        return {
            **{"anomaly_id": anomaly_id, "time_us": waiting.time_us, "application": anomaly.application},
            **{"environment": anomaly.environment, "operation": anomaly.operation},
            "trace_id": found.trace_id if len(found.trace_id) <= _LONGEST_TRACE_ID else "",
            **{"bytes": len(shown) + len(beside_json or ""), "execution": shown, "usual": beside_json},
        }

    def _unusual(self, anomaly: Anomaly) -> set[str]:
        of = (one.event.data for one in self._waiting.values() if one.event.data.application == anomaly.application)
        return {trace_id for one in of for trace_id in one.exemplar_trace_ids}

    def _json(self, execution: RecentExecution) -> str | None:
        found = execution.whole()
        if found is None:
            return None
        encoded = msgspec.json.encode(presentable(found, self.private)).decode()
        return encoded if len(encoded) <= _MOST_EXEMPLAR_BYTES else None

    def _remove_orphans(self, connection: Connection) -> None:
        """Remove exemplars of anomalies that are no longer kept, and count anew what there is."""
        kept = exists().where(anomalies.c.id == exemplars.c.anomaly_id)
        connection.execute(delete(exemplars).where(~kept))
        self._bytes = connection.execute(select(func.sum(exemplars.c.bytes))).scalar() or 0

    def _remove_oldest(self, connection: Connection) -> None:
        """Remove exemplars until they are few enough bytes."""
        columns = exemplars.c
        while self._bytes > self.most_bytes:
            going: list[str] = []
            oldest = select(columns.anomaly_id, columns.bytes).order_by(columns.time_us).limit(_AT_ONCE)
            for anomaly_id, size in connection.execute(oldest):
                if self._bytes <= self.most_bytes:
                    break
                going.append(anomaly_id)
                self._bytes -= size
            if not going:  # another process has removed them
                self._bytes = 0
                return
            connection.execute(delete(exemplars).where(columns.anomaly_id.in_(going)))


def _event_of(stored: str) -> AnomalyEvent | None:
    try:
        return msgspec.json.decode(stored, type=AnomalyEvent)
    except msgspec.DecodeError as error:  # of a later version
        log.warning("anomaly_unreadable", cause=str(error))
        return None
