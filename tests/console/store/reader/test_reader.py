"""The reader goes on after whatever happens: Kafka or the database away, topics made anew, another console."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, func, select

from tests.console.store.reader.told import BEGIN_S, TOPICS, anomaly, record
from tracehound.console.store.engine import Store, StoreError
from tracehound.console.store.reader.metrics import ReaderMetrics
from tracehound.console.store.reader.positions import Extent, Partition
from tracehound.console.store.reader.reader import Pace, Reader
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.store_batch import stored_positions
from tracehound.console.store.reader.writers.anomalies import AnomalyWriter
from tracehound.console.store.reader.writers.writer import Row
from tracehound.console.store.retention import Retention
from tracehound.console.store.tables import anomalies
from tracehound.schemas.errors import BrokerError
from tracehound.streams.settings.console import ConsoleSettings

TOPIC = TOPICS.anomalies.name
Wait = Callable[[Callable[[], bool]], bool]


class Log:
    """Partitions in memory, and how they are read. ``away`` is why nothing can be read."""

    def __init__(self) -> None:
        self.topic_id, self.first, self.away = "a", 0, ""
        self.values: dict[int, list[bytes]] = {0: [], 1: []}
        self._offsets: dict[int, int] = {}

    def tell(self, *numbers: int) -> None:
        for number in numbers:
            self.values[number % len(self.values)].append(anomaly(number))

    def extents(self, known: Iterable[Partition]) -> Mapping[Partition, Extent]:
        if self.away:
            raise BrokerError(self.away)
        return {(TOPIC, one): Extent(self.topic_id, self.first, len(own)) for one, own in self.values.items()}

    def start(self, offsets: Mapping[Partition, int]) -> None:
        self._offsets = {partition: offset for (_, partition), offset in offsets.items()}

    def fetch(self, most: int, most_bytes: int, wait_s: float) -> Sequence[Record]:
        if self.away:
            raise BrokerError(self.away)
        found: list[Record] = []
        for partition, begin in self._offsets.items():
            values = self.values[partition][begin : begin + most]
            found += [record(TOPIC, one, begin + at, partition, BEGIN_S) for at, one in enumerate(values)]
            self._offsets[partition] += len(values)
        if not found:
            time.sleep(0.005)
        return found

    def at_end(self) -> set[Partition]:
        return {(TOPIC, one) for one, offset in self._offsets.items() if offset >= len(self.values[one])}

    def trouble(self) -> str:
        return ""

    def close(self) -> None:
        self._offsets = {}


class Gate(AnomalyWriter):
    """A writer that fails as a database does that is away, or otherwise, while told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        if self.error is not None:
            raise self.error
        return super().write(connection, rows)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def make(store: Store) -> Iterator[Callable[..., Reader]]:
    """Makes readers; they are stopped in the end."""
    made: list[Reader] = []

    def build(log: Log, writer: AnomalyWriter | None = None, registry: CollectorRegistry | None = None) -> Reader:
        retention = Retention(store, ConsoleSettings(), lambda: round(BEGIN_S * 1e6))
        pace = Pace(retry_s=0.01, look_s=0.0)
        metrics = ReaderMetrics(registry or CollectorRegistry())
        reader = Reader(store, lambda: log, {TOPIC: writer or AnomalyWriter()}, retention, metrics, pace)
        made.append(reader)
        reader.start()
        return reader

    yield build
    for reader in made:
        reader.stop()


def numbers(store: Store) -> list[int]:
    with store.read() as connection:
        return sorted(int(one.rpartition("-")[2]) for one in connection.execute(select(anomalies.c.id)).scalars())


def test_it_stores_what_is_there_and_what_comes(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    log.tell(1, 2, 3)
    registry = CollectorRegistry()
    reader = make(log, registry=registry)
    assert eventually(lambda: numbers(store) == [1, 2, 3])
    log.tell(4)
    assert eventually(lambda: numbers(store) == [1, 2, 3, 4] and reader.caught_up())
    assert (reader.trouble(), reader.is_alive()) == ("", True)
    assert registry.get_sample_value("tracehound_console_rows_total", {"topic": TOPIC}) == 4
    newest_s = registry.get_sample_value("tracehound_console_newest_event_timestamp_seconds", {"topic": TOPIC})
    assert newest_s == BEGIN_S + 4
    assert eventually(lambda: registry.get_sample_value("tracehound_console_lag_seconds", {"topic": TOPIC}) == 0)


def test_it_goes_on_where_it_was(store: Store, log: Log, make: Callable[..., Reader], eventually: Wait) -> None:
    log.tell(1, 2)
    first = make(log)
    assert eventually(lambda: len(numbers(store)) == 2)
    first.stop()
    log.tell(3)
    log.values[0][0] = log.values[1][0] = b"read again"
    make(log)
    assert eventually(lambda: numbers(store) == [1, 2, 3])
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(anomalies)).scalar_one() == 3


def test_kafka_away_is_said_and_waited_for(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    log.away = "Kafka is away."
    log.tell(1)
    reader = make(log)
    assert eventually(lambda: reader.trouble() == "Kafka is away.")
    log.away = ""
    assert eventually(lambda: numbers(store) == [1] and not reader.trouble())


def test_one_that_waits_for_ever_is_stalled_and_one_that_tries_again_is_not(
    log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    class Holding(AnomalyWriter):
        def write(self, connection: Connection, rows: Sequence[Row]) -> int:
            held.set()
            assert release.wait(120)
            return super().write(connection, rows)

    held, release = threading.Event(), threading.Event()
    log.away = "Kafka is away."
    log.tell(1)
    reader = make(log, Holding())
    assert eventually(lambda: reader.trouble() == log.away and reader.stalled_s() < 0.5)
    log.away = ""
    assert held.wait(120)
    assert eventually(lambda: reader.stalled_s() > 1.0)
    release.set()
    assert eventually(lambda: reader.caught_up() and reader.stalled_s() < 0.5)


@pytest.mark.parametrize("error", [StoreError("The database is away."), ZeroDivisionError("unexpected")])
def test_the_database_away_is_said_and_waited_for(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait, error: Exception
) -> None:
    gate = Gate()
    gate.error = error
    log.tell(1, 2)
    reader = make(log, gate)
    assert eventually(lambda: str(error) in reader.trouble())
    assert reader.is_alive()
    assert not reader.caught_up()
    gate.error = None
    assert eventually(lambda: numbers(store) == [1, 2] and not reader.trouble())


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    log.tell(2, 4)
    make(log)
    assert eventually(lambda: numbers(store) == [2, 4])
    log.values = {0: [anomaly(number) for number in (6, 8, 10)], 1: []}
    log.topic_id = "b"
    assert eventually(lambda: numbers(store) == [2, 4, 6, 8, 10])
    assert stored_positions(store)[TOPIC, 0].topic_id == "b"


def test_records_that_are_gone_are_counted_as_lost(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    log.tell(0, 2)
    first = make(log)
    assert eventually(lambda: numbers(store) == [0, 2])
    first.stop()
    log.tell(4, 6, 8)
    log.values[1] = [b""] * 5
    log.first = 4
    registry = CollectorRegistry()
    make(log, registry=registry)
    assert eventually(lambda: numbers(store) == [0, 2, 8])
    lost = registry.get_sample_value("tracehound_console_lost_total", {"topic": TOPIC})
    assert lost == (4 - 2) + (4 - 0)  # of one partition two were stored, of the other none


def test_of_two_consoles_one_reads_and_the_other_takes_over(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    registries = [CollectorRegistry(), CollectorRegistry()]
    readers = [make(log, registry=one) for one in registries]

    def reads() -> list[float | None]:
        return [one.get_sample_value("tracehound_console_reads") for one in registries]

    log.tell(1)
    assert eventually(lambda: sorted(one or 0 for one in reads()) == [0, 1] and numbers(store) == [1])
    own = reads().index(1)
    assert readers[1 - own].trouble() == ""
    readers[own].stop()
    log.tell(2)
    assert eventually(lambda: numbers(store) == [1, 2])


def test_partitions_that_are_added_are_read(
    store: Store, log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    log.tell(1, 2)
    make(log)
    assert eventually(lambda: numbers(store) == [1, 2])
    log.values[2] = [anomaly(99)]
    assert eventually(lambda: numbers(store) == [1, 2, 99])


def test_it_ends_when_told_to_be_it_in_the_midst_of_waiting(
    log: Log, make: Callable[..., Reader], eventually: Wait
) -> None:
    log.away = "Kafka is away."
    reader = make(log)
    assert eventually(lambda: reader.trouble() == "Kafka is away.")
    reader.stop()
    assert not reader.is_alive()
