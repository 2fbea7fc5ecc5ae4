"""What is too old, or too much, is removed: the oldest first, a bounded number of rows at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, func, select

from tracehound.console.store.engine import Store
from tracehound.console.store.reader.writers.upsert import count_kept
from tracehound.console.store.tables import (
    anomalies,
    application_progress,
    applications,
    call_records,
    calls,
    dead_letters,
    deliveries,
    incident_events,
    incidents,
    kept,
    maintenance_windows,
    model_events,
    named_calls,
    scored_logs,
    tuning_results,
    tuning_tasks,
    unreadable,
    verdicts,
)
from tracehound.streams.settings.console import ConsoleSettings

DAY_US: Final = 86_400_000_000
MB: Final = 1_000_000
ROWS_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A table whose rows are removed with time.

    ``order`` grows from the oldest row to the newest; ``counted`` says that ``kept`` knows its rows and bytes, so that
    it is part of the size. Rows for which ``ended`` does not hold stay.
    """

    table: Table
    counted: bool = True
    ended: ColumnElement[bool] | None = None

    @property
    def order(self) -> Column[int]:
        """The order of storing, or where there is none, of telling."""
        found: Column[int] = self.table.c["seq" if "seq" in self.table.c else "told_us"]
        return found


KEPT: Final[Mapping[str, Kept]] = MappingProxyType(
    {
        one.table.name: one
        for one in (
            Kept(anomalies),
            Kept(incident_events),
            Kept(incidents, counted=False, ended=incidents.c.state == "resolved"),
            Kept(model_events),
            Kept(scored_logs),
            Kept(dead_letters),
            Kept(deliveries),
            Kept(tuning_tasks),
            Kept(tuning_results),
            Kept(unreadable),
            Kept(application_progress),
            Kept(calls),
            Kept(call_records, counted=False),
            Kept(named_calls),
            Kept(applications, counted=False),
            Kept(verdicts, counted=False),
            Kept(maintenance_windows, counted=False),
        )
    }
)
"""Every table that grows with what is told."""


class Retention:
    """Removes what is too old or too much.

    Age is counted from when something was told (Kafka's timestamp), not from its event time: a recording of last year
    that is replayed today is a day old tomorrow. Size is that of events; where it is too much, the table that has most
    loses its oldest rows, so that a flood of log events costs no incident. Incidents that are open stay.

    Parameters:
        now_us: wall time, microseconds since the epoch.
        kept: the tables.
    """

    def __init__(
        self,
        store: Store,
        settings: ConsoleSettings,
        now_us: Callable[[], int],
        tables: Sequence[Kept] = tuple(KEPT.values()),
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        self._store, self._settings, self._now_us = store, settings, now_us
        self._tables, self._rows_at_once = tables, rows_at_once

    def step(self) -> Mapping[str, int]:
        """Remove at most so many rows of each table; returns how many of which. Empty: nothing is left to do.

        Raises:
            StoreError: the database is away.
        """
        removed: dict[str, int] = {}
        cutoff_us = self._now_us() - round(self._settings.keep_days * DAY_US)
        due = [one for one in self._tables if self._has_older(one, cutoff_us)]
        largest = self._largest()
        if not due and largest is None:
            return removed
        with self._store.write() as connection:
            for one in due:
                removed[one.table.name] = self._remove(connection, one, cutoff_us)
            if largest is not None:
                count = removed.get(largest.table.name, 0) + self._remove(connection, largest, None)
                removed[largest.table.name] = count
        return {name: count for name, count in removed.items() if count}

    def _has_older(self, one: Kept, cutoff_us: int) -> bool:
        """Whether the oldest row is too old."""
        query = select(one.table.c.told_us).order_by(one.order).limit(1)
        if one.ended is not None:
            query = query.where(one.ended)
        with self._store.read() as connection:
            oldest_us = connection.execute(query).scalar()
        return oldest_us is not None and oldest_us < cutoff_us

    def _largest(self) -> Kept | None:
        """The table that has most, where all together have too much."""
        with self._store.read() as connection:
            sizes: dict[str, int] = {row.table: row.bytes for row in connection.execute(select(kept))}
        counted = [one for one in self._tables if one.counted and sizes.get(one.table.name, 0) > 0]
        if not counted or sum(sizes[one.table.name] for one in counted) <= self._settings.keep_mb * MB:
            return None
        return max(counted, key=lambda one: sizes[one.table.name])

    def _remove(self, connection: Connection, one: Kept, cutoff_us: int | None) -> int:
        """Remove the oldest rows; with a cutoff those that were told before it, up to the first that was not."""
        table, order = one.table, one.order
        oldest = select(order, table.c.told_us).order_by(order).limit(self._rows_at_once)
        if one.ended is not None:
            oldest = oldest.where(one.ended)
        rows = connection.execute(oldest).all()
        last = None
        for place, told_us in rows:
            if cutoff_us is not None and told_us >= cutoff_us:
                break
            last = place
        if last is None:
            return 0
        gone = delete(table).where(order <= last)
        if one.ended is not None:
            gone = gone.where(one.ended)
        if not one.counted:
            return connection.execute(gone).rowcount
        if "bytes" in table.c:
            sizes = connection.execute(gone.returning(table.c.bytes)).scalars().all()
            count_kept(connection, table, -len(sizes), -sum(sizes))
            return len(sizes)
        count = connection.execute(gone).rowcount
        each = connection.execute(select(kept.c.bytes / func.nullif(kept.c.rows, 0)).where(kept.c.table == table.name))
        count_kept(connection, table, -count, -count * int(each.scalar() or 0))
        return count
