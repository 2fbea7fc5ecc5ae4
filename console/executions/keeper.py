"""Executions of some partitions into the database: windows, offsets and times in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from tracehound.console.executions.coarsening import coarsen
from tracehound.console.executions.last_hours import add_minutes
from tracehound.console.executions.origins import CountedOrigins, Source
from tracehound.console.executions.registry import Registry
from tracehound.console.executions.rows import upsert
from tracehound.console.executions.stored_windows import US, StoredKey, StoredWindows
from tracehound.console.executions.times import Ages, ApplicationTimes
from tracehound.console.executions.windows import OTHERS, Gathering, Window, WindowKey
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import execution_origins, offsets, operation_times
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.streams.kafka.forwarding import Origin

_COARSENED_AT_ONCE = 1_000


class SupersededError(TracehoundError):
    """Another reader has stored what this one was about to: it owns the partition now."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept of executions.

    ``operations`` of one application and ``applications`` in all are kept apart; ``window_bytes`` of memory are for
    windows that still change, and at ``values`` numbers or ``sketches`` sketches what was gathered is stored at once.
    """

    operations: int = 1_000
    applications: int = 10_000
    window_bytes: int = 64_000_000
    values: int = 400_000
    sketches: int = 20_000
    ages: Ages = field(default_factory=Ages)


@dataclass(slots=True)
class _Position:
    """Of a partition: the next offset that is stored, and the one that is reached in memory."""

    topic_id: str
    stored: int
    reached: int


class Keeper:
    """Counts each execution once, whatever happens: what it has gathered is stored with the offsets that it reaches to.

    It is made for the partitions that are read now. Where storing fails, what it holds in memory is worth nothing:
    make a new one, which begins at what is stored.

    Parameters:
        topic: that of executions.
        private: words in names of attributes that are not kept.
        wall: wall time in epoch seconds.
    """

    def __init__(
        self, store: Store, topic: str, private: frozenset[str], bounds: Bounds, wall: Callable[[], float]
    ) -> None:
        self._store, self._topic, self._bounds, self._wall = store, topic, bounds, wall
        self._gathering = Gathering(private)
        self._windows = StoredWindows(bounds.window_bytes)
        self._registry = Registry(bounds.operations, bounds.applications)
        self._times = ApplicationTimes(bounds.applications)
        self._positions: dict[int, _Position] = {}
        self._partition_of: dict[ApplicationKey, int] = {}
        self.origins = CountedOrigins()

    def begin(self, partition: int, topic_id: str, earliest: int, end: int) -> int:
        """Begin to read a partition, which holds offsets from ``earliest`` to before ``end``; returns where to.

        That is where storing ended, or the earliest where there is nothing at that offset, or the topic is another one.
        """
        with self._store.write() as connection:
            table = offsets.c
            at = (table.topic == self._topic, table.partition == partition)
            row = connection.execute(select(table.next_offset, table.topic_id).where(*at)).one_or_none()
            stored = -1 if row is None else row.next_offset
            anew = row is not None and bool(row.topic_id and topic_id) and row.topic_id != topic_id
            begin = earliest if anew or not earliest <= stored <= end else stored
            known = topic_id or (row.topic_id if row is not None else "")
            values = {"next_offset": begin, "topic_id": known}
            if row is None:
                connection.execute(insert(offsets).values(topic=self._topic, partition=partition, **values))
            elif begin != stored or known != row.topic_id:
                connection.execute(update(offsets).where(*at).values(**values))
            self._load(connection, partition)
        self._positions[partition] = _Position(known, begin, begin)
        return begin

    def _load(self, connection: Connection, partition: int) -> None:
        times = operation_times.c
        found = connection.execute(
            select(operation_times).where(times.partition == partition, times.application != OTHERS)
        )
        self._times.begin({(row.application, row.environment): row.now_us / US for row in found})
        of = execution_origins.c
        for row in connection.execute(select(execution_origins).where(of.partition == partition)):
            self.origins.numbers[Source(partition, row.source, row.source_partition)] = row.number

    @property
    def is_full(self) -> bool:
        """Whether so much has been gathered that it should be stored now."""
        return self._gathering.values >= self._bounds.values or self._gathering.lists >= self._bounds.sketches

    def take(
        self, partition: int, executions: Sequence[ExecutionHead], reached: int, origins: Iterable[Origin] = ()
    ) -> None:
        """Gather executions of a partition, and what led to them; with them all below ``reached`` has been read."""
        self._times.take(executions)
        keys = {(one.application, one.environment) for one in executions}
        times = {key: self._times.now_s(key) for key in keys}
        self._partition_of.update(dict.fromkeys(keys, partition))
        for one in executions:
            key = (one.application, one.environment)
            window = self._bounds.ages.window_of(times[key], one.started_s)
            if window is None:
                self._gathering.add_late(key)
            else:
                self._gathering.add(one, WindowKey(*key, one.operation, *window))
        for origin in origins:
            self.origins.note(partition, origin)
        self._positions[partition].reached = reached

    def store(self) -> None:
        """Store what has been gathered.

        Raises:
            SupersededError: another reader has gone on with one of the partitions.
            StoreError: the database is away.
        """
        with self._store.write() as connection:
            for partition, position in self._positions.items():
                self._move(connection, partition, position)
            self._store_windows(connection, self._gathering.take())
            self._store_origins(connection)
            self._store_times(connection)
        for position in self._positions.values():
            position.stored = position.reached
        self.origins.changed.clear()
        self._gathering.late.clear()
        self._partition_of.clear()

    def _move(self, connection: Connection, partition: int, position: _Position) -> None:
        if position.reached == position.stored:
            return
        table = offsets.c
        at = (table.topic == self._topic, table.partition == partition, table.next_offset == position.stored)
        moved = connection.execute(update(offsets).where(*at).values(next_offset=position.reached))
        if moved.rowcount != 1:
            raise SupersededError(
                f"Partition {partition} of {self._topic} must be stored up to {position.stored} by this reader alone. "
                "Another one has gone on with it."
            )

    def _store_windows(self, connection: Connection, gathered: Mapping[WindowKey, Window]) -> None:
        partitions = {key[:3]: self._partition_of[key[:2]] for key in gathered}
        seqs = self._registry.seqs(connection, partitions, self._gathering.late)
        add_minutes(
            connection, gathered, lambda key: self._registry.application_of(key[:2], self._partition_of[key[:2]])
        )
        fresh: dict[StoredKey, Window] = {}
        for key, window in gathered.items():
            stored = StoredKey(seqs[key[:3]], key.width_s, key.start_s)
            known = fresh.get(stored)
            if known is None:
                fresh[stored] = window
            else:  # operations beyond the bound are one
                known.merge(window)
        self._windows.merge(connection, fresh)

    def _store_origins(self, connection: Connection) -> None:
        kept = [source for source in self.origins.changed if source in self.origins.numbers]
        gone = self.origins.changed.difference(kept)
        names = ("partition", "source", "source_partition")
        rows = [dict(zip(names, one, strict=True)) | {"number": self.origins.numbers[one]} for one in kept]
        upsert(connection, execution_origins, rows, ("number",))
        if gone:
            connection.execute(delete(execution_origins).where(tuple_(*execution_origins.primary_key).in_(gone)))

    def _store_times(self, connection: Connection) -> None:
        heard_us = int(self._wall() * US)
        rows: dict[ApplicationKey, dict[str, Any]] = {}
        for key, partition in self._partition_of.items():
            now_s, kept = self._times.now_s(key), self._registry.application_of(key, partition)
            row = rows.setdefault(kept, {"application": kept[0], "environment": kept[1], "late": 0})
            row |= {
                "partition": partition,
                "heard_us": heard_us,
                "late": row["late"] + self._gathering.late.get(key, 0),
            }
            row["now_us"] = heard_us if now_s is None or kept != key else int(now_s * US)
        upsert(connection, operation_times, [*rows.values()], ("partition", "heard_us", "now_us"), added=("late",))

    def coarsen(self) -> bool:
        """Merge some windows that are old enough into longer ones; returns whether there may be more of them.

        Raises:
            StoreError: the database is away.
        """
        with self._store.write() as connection:
            now_us = int(self._wall() * US)
            ages, partitions = self._bounds.ages, list(self._positions)
            return coarsen(connection, self._windows, ages, partitions, now_us, _COARSENED_AT_ONCE)
