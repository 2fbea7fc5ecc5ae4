"""Follows the output topics and stores them, until stopped; whatever goes wrong is said, and tried again."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from tracehound.console.store.engine import Store, StoreError
from tracehound.console.store.reader.kafka_source import Source
from tracehound.console.store.reader.metrics import ReaderMetrics
from tracehound.console.store.reader.positions import Extent, Partition, Position, beginning
from tracehound.console.store.reader.store_batch import BatchWriter, MovedError, Stored, put_positions, stored_positions
from tracehound.console.store.reader.turn import turn
from tracehound.console.store.reader.writers.writer import Writer
from tracehound.console.store.retention import Retention
from tracehound.schemas.errors import BrokerError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is stored at once, and how long is waited. Times in seconds.

    ``records`` and ``bytes`` bound a batch, ``linger_s`` is how long it is gathered. ``retry_s``: after a failure, and
    for one's turn; ``look_s``: for partitions that are new and topics that were made anew; ``remove_s``: for what is
    to be removed; ``analyze_s``: for how values are distributed.
    """

    records: int = 5_000
    bytes: int = 16_000_000
    linger_s: float = 0.2
    retry_s: float = 1.0
    look_s: float = 30.0
    remove_s: float = 5.0
    analyze_s: float = 600.0


class Reader:
    """One thread that reads and stores.

    Parameters:
        source: makes what records come from; asked again after a failure.
        writers: by topic.
        retention: what removes; its steps take turns with batches.
    """

    def __init__(
        self,
        store: Store,
        source: Callable[[], Source],
        writers: Mapping[str, Writer],
        retention: Retention,
        metrics: ReaderMetrics,
        pace: Pace = Pace(),
    ) -> None:
        self._store, self._source, self._retention = store, source, retention
        self._batches = BatchWriter(store, writers)
        self._topics = list(writers)
        self._metrics, self._pace = metrics, pace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._trouble = "It has not begun to read."
        self._positions: dict[Partition, Position] = {}
        self._told_us: dict[str, int] = {}
        self._caught_up = False
        self._got_on_s = time.monotonic()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch under way; returns when it has ended."""
        self._stop.set()
        self._thread.join()

    def is_alive(self) -> bool:
        """Whether it goes on by itself: what ``/livez`` says."""
        return self._thread.is_alive()

    def trouble(self) -> str:
        """Why nothing is stored now, in a sentence: what ``/readyz`` says; empty where all is well."""
        return self._trouble

    def caught_up(self) -> bool:
        """Whether everything was stored that was told until a moment ago."""
        return self._caught_up

    def stalled_s(self) -> float:
        """For how long it has neither stored, nor looked for records, nor tried to; in seconds."""
        return time.monotonic() - self._got_on_s

    def _run(self) -> None:
        while not self._stop.is_set():
            self._got_on_s = time.monotonic()
            try:
                with turn(self._store) as own:
                    self._metrics.reads.set(own)
                    if own:
                        self._follow()
                    else:
                        self._trouble = ""
                        self._stop.wait(self._pace.retry_s)
            except MovedError:
                log.info("reader_moved", sentence="Another console stored the same records meanwhile; going on there.")
            except (StoreError, BrokerError) as error:
                self._failed(str(error))
            except Exception as error:
                log.exception("reader_failed")
                self._failed(f"{type(error).__name__}: {error}")

    def _failed(self, why: str) -> None:
        if why != self._trouble:
            log.warning("reader_waits", sentence=f"Nothing is stored: {why} Trying again.")
        self._trouble, self._caught_up = why, False
        self._metrics.failures.inc()
        self._stop.wait(self._pace.retry_s)

    def _follow(self) -> None:
        source = self._source()
        try:
            self._positions = {}
            looked_s = removed_s = analyzed_s = float("-inf")
            while not self._stop.is_set():
                self._got_on_s = time.monotonic()
                if self._got_on_s - looked_s >= self._pace.look_s:
                    self._look(source)
                    looked_s = time.monotonic()
                self._step(source)
                if time.monotonic() - analyzed_s >= self._pace.analyze_s:
                    self._store.analyze()
                    analyzed_s = time.monotonic()
                if time.monotonic() - removed_s >= self._pace.remove_s:
                    removed = self._retention.step()
                    for table, count in removed.items():
                        self._metrics.removed.labels(table).inc(count)
                    if not removed:
                        removed_s = time.monotonic()
        finally:
            source.close()

    def _look(self, source: Source) -> None:
        """Begin with partitions that are new, and anew with topics that were made anew."""
        extents = source.extents(self._positions)
        stored = self._positions or stored_positions(self._store)
        moved = {}
        for partition, extent in extents.items():
            known = partition in self._positions
            if known and not _made_anew(self._positions[partition], extent):
                continue
            if known:
                extent = source.extents(set(self._positions) - {partition})[partition]
            begin = beginning(stored.get(partition), extent)
            moved[partition] = begin.position
            self._say(partition, stored.get(partition), begin.why, begin.lost)
        if moved:
            put_positions(self._store, moved)
            self._positions |= moved
            source.start({partition: at.offset for partition, at in self._positions.items()})
        self._trouble = "" if self._positions else "None of the topics exists: create them by: tracehound topics."

    def _say(self, partition: Partition, stored: Position | None, why: str, lost: int) -> None:
        if stored is None or not why:
            return
        topic, number = partition
        self._metrics.lost.labels(topic).inc(lost)
        log.warning(
            "reader_begins_elsewhere",
            sentence=f"Partition {number} of {topic} is stored up to offset {stored.offset}, and it {why}: "
            + (f"{lost} records are lost." if lost else "it is read from its beginning."),
        )

    def _step(self, source: Source) -> None:
        pace = self._pace
        records = source.fetch(pace.records, pace.bytes, pace.linger_s)
        if records:
            with self._metrics.batch.time():
                stored = self._batches.write(records, self._positions)
            for record in records:
                partition = (record.topic, record.partition)
                self._positions[partition] = Position(self._positions[partition].topic_id, record.offset + 1)
                self._told_us[record.topic] = max(record.told_us, self._told_us.get(record.topic, 0))
            self._count(stored)
        self._trouble = source.trouble() if self._positions else self._trouble
        ends = source.at_end()
        self._caught_up = self._positions.keys() <= ends
        now_s = time.time()
        for topic in self._topics:
            behind = any(partition not in ends for partition in self._positions if partition[0] == topic)
            told_us = self._told_us.get(topic)
            lag_s = max(0.0, now_s - told_us / 1_000_000) if behind and told_us is not None else 0.0
            self._metrics.lag.labels(topic).set(lag_s)

    def _count(self, stored: Stored) -> None:
        metrics = self._metrics
        for counts, metric in (
            (stored.new, metrics.rows),
            (stored.repeated, metrics.repeated),
            (stored.unreadable, metrics.unreadable),
        ):
            for topic, count in counts.items():
                metric.labels(topic).inc(count)
        for topic, newest_us in stored.newest_us.items():
            metrics.newest.labels(topic).set(newest_us / 1_000_000)


def _made_anew(position: Position, extent: Extent) -> bool:
    return bool(position.topic_id and extent.topic_id and position.topic_id != extent.topic_id)
