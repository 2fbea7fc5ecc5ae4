"""Writes a batch of records, all or nothing: rows, what cannot be read, and how far the topics are stored."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from tracehound.console.store.engine import Store, is_away
from tracehound.console.store.reader.positions import Partition, Position
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import Changes, upsert
from tracehound.console.store.reader.writers.writer import Row, Writer, write_events
from tracehound.console.store.tables import offsets, unreadable
from tracehound.schemas.drill import DRILL_KEY
from tracehound.streams.kafka.bounded_batches import packed_sentence

_REASON_CHARACTERS: Final = 1_000

log = structlog.get_logger(__name__)


class MovedError(Exception):
    """Another console has stored records of these partitions meanwhile: positions must be read again."""


@dataclass(slots=True)
class Stored:
    """What a batch led to, by topic: rows that are new, records that repeat what is stored, records that are none of
    what should be there, and the newest event time, microseconds.
    """

    new: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    newest_us: dict[str, int] = field(default_factory=dict)


def stored_positions(store: Store) -> dict[Partition, Position]:
    """How far each partition is stored.

    Raises:
        StoreError: the database is away.
    """
    with store.read() as connection:
        rows = connection.execute(select(offsets)).all()
    return {(row.topic, row.partition): Position(row.topic_id, row.next_offset) for row in rows}


def put_positions(store: Store, positions: Mapping[Partition, Position]) -> None:
    """Note from where on partitions are read that were not read before, or whose topic was made anew.

    Raises:
        StoreError: the database is away.
    """
    rows = [
        {"topic": topic, "partition": partition, "topic_id": at.topic_id, "next_offset": at.offset}
        for (topic, partition), at in positions.items()
    ]
    with store.write() as connection:
        upsert(connection, offsets, rows, Changes(replaced=("topic_id", "next_offset")))


class BatchWriter:
    """Writes batches, each in one transaction.

    Parameters:
        writers: by topic.
    """

    def __init__(self, store: Store, writers: Mapping[str, Writer]) -> None:
        self._store, self._writers = store, writers

    def write(self, records: Sequence[Record], positions: Mapping[Partition, Position]) -> Stored:
        """Store records that follow these positions. When it returns they are stored, and never again.

        Raises:
            MovedError: the database is elsewhere; nothing was written.
            StoreError: the database is away. What was written is unknown until positions are read again.
        """
        stored = Stored()
        readable, refused = self._read(records, stored)
        try:
            with self._store.write() as connection:
                self._advance(connection, records, positions, stored)
                self._put(connection, readable, refused, stored)
        except (SQLAlchemyError, OverflowError, ValueError) as error:
            if isinstance(error, SQLAlchemyError) and is_away(error):
                raise
            log.warning("batch_refused", sentence="The database refused a batch; its records are stored one by one.",
                        cause=_sentence(error), records=len(records))  # fmt: skip
            with self._store.write() as connection:
                self._advance(connection, records, positions, stored)
                self._put_one_by_one(connection, readable, refused, stored)
        return stored

    def _read(
        self, records: Sequence[Record], stored: Stored
    ) -> tuple[dict[str, list[tuple[Record, Row]]], list[tuple[Record, str]]]:
        """The rows of records by topic, and those that are none of what should be there, with the reason."""
        readable: dict[str, list[tuple[Record, Row]]] = defaultdict(list)
        refused: list[tuple[Record, str]] = []
        for record in records:
            if record.key == DRILL_KEY:  # read, and not kept: people are told nothing of it
                continue
            if record.headers and (packed := packed_sentence(record.headers)) is not None:
                refused.append((record, packed))
                continue
            try:
                row = self._writers[record.topic].row(record)
            except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be stored)
                refused.append((record, _sentence(error)))
            else:
                readable[record.topic].append((record, row))
                stored.newest_us[record.topic] = max(row["time_us"], stored.newest_us.get(record.topic, 0))
        return readable, refused

    def _advance(
        self,
        connection: Connection,
        records: Sequence[Record],
        positions: Mapping[Partition, Position],
        stored: Stored,
    ) -> None:
        """Move the stored positions behind the records, if they still are where reading began."""
        following = {(record.topic, record.partition): record.offset + 1 for record in records}
        for (topic, partition), offset in following.items():
            before = positions[topic, partition]
            values: dict[str, object] = {"next_offset": offset}
            if topic in stored.newest_us:
                values["time_us"] = stored.newest_us[topic]
            moved = connection.execute(
                update(offsets)
                .where(offsets.c.topic == topic, offsets.c.partition == partition)
                .where(offsets.c.next_offset == before.offset, offsets.c.topic_id == before.topic_id)
                .values(values)
            )
            if moved.rowcount != 1:
                raise MovedError

    def _put(
        self,
        connection: Connection,
        readable: Mapping[str, Sequence[tuple[Record, Row]]],
        refused: Sequence[tuple[Record, str]],
        stored: Stored,
    ) -> None:
        new, repeated = dict[str, int](), dict[str, int]()
        for topic, pairs in readable.items():
            new[topic] = self._writers[topic].write(connection, [row for _, row in pairs])
            repeated[topic] = len(pairs) - new[topic]
        self._put_refused(connection, refused, stored)
        stored.new, stored.repeated = new, repeated

    def _put_one_by_one(
        self,
        connection: Connection,
        readable: Mapping[str, Sequence[tuple[Record, Row]]],
        refused: Sequence[tuple[Record, str]],
        stored: Stored,
    ) -> None:
        new, repeated = defaultdict[str, int](int), defaultdict[str, int](int)
        also_refused = list(refused)
        for topic, pairs in readable.items():
            for record, row in pairs:
                try:
                    with connection.begin_nested():
                        written = self._writers[topic].write(connection, [row])
                except (SQLAlchemyError, OverflowError, ValueError) as error:
                    if isinstance(error, SQLAlchemyError) and is_away(error):
                        raise
                    also_refused.append((record, _sentence(error)))
                else:
                    new[topic] += written
                    repeated[topic] += 1 - written
        self._put_refused(connection, also_refused, stored)
        stored.new, stored.repeated = dict(new), dict(repeated)

    def _put_refused(self, connection: Connection, refused: Sequence[tuple[Record, str]], stored: Stored) -> None:
        rows = [
            {
                "id": f"{record.topic}-{record.partition}-{record.offset}-{record.told_us}",
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "told_us": record.told_us,
                "reason": reason,
                "key": record.key,
                "value": record.value,
                "bytes": record.bytes,
            }
            for record, reason in refused
        ]
        write_events(connection, unreadable, rows)
        counts: dict[str, int] = defaultdict(int)
        for record, _ in refused:
            counts[record.topic] += 1
        stored.unreadable = dict(counts)


def _sentence(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    said = " ".join(str(cause).split())[:_REASON_CHARACTERS]
    return f"{type(cause).__name__}: {said}".replace("\0", "\N{REPLACEMENT CHARACTER}")
