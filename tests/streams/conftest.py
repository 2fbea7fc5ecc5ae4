"""What tests of the shell share: a fake scoring core, a fake publisher, and an app that notes what it reads."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from aiokafka import ConsumerRecord
from confluent_kafka import Producer
from faust.types import TP

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, ModelStamp
from tracehound.schemas.codec import content_digest
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, Execution, ExecutionHead, rfc3339, whole
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.topics import Topics
from tracehound.streams.kafka.changelog import Page
from tracehound.streams.kafka.publisher import Outgoing, RefusedError
from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.states.model_states import ModelStates

PARTITIONS = 4
SLOW_MS = 10_000.0


def anomaly_of(execution: Execution) -> AnomalyEvent:
    data = Anomaly(
        application=execution.application,
        operation=execution.operation,
        environment=execution.environment,
        version=execution.version,
        kind="outlier",
        score=9.0,
        sigma=6.0,
        severity="minor",
        confidence=1.0,
        signal="duration",
        typical=1.0,
        actual=execution.duration_ms,
        bounds=(0.0, 2.0),
        unit="ms",
        contributions={"duration": 1.0},
        reason="It was slow.",
        exemplar_trace_ids=[execution.trace_id],
        window=None,
        model=ModelStamp("fake", "1", 0, None, False),
        incident_key=execution.application,
    )
    time_of = rfc3339(execution.started_s)
    return AnomalyEvent(content_digest(execution), "tracehound", "anomaly", execution.application, time_of, data)


class FakeScorer:
    """Counts; an execution of 10 s or more is an anomaly, and one of the operation ``raise`` cannot be scored.

    ``breaks_after``: how many more chunks pass before an error that is nobody's fault; below 0: none. One that
    ``stumbles`` learns half of what it is given next, and raises.
    """

    chunk = 100

    def __init__(self) -> None:
        self.learned: dict[ApplicationKey, list[str]] = {}
        self.fits: list[Future[Any]] = []
        self.silent: list[tuple[float, ApplicationKey]] = []
        self.silence: list[AnomalyEvent] = []
        self.breaks_after = -1
        self.stumbles = False
        self.refits: list[tuple[ApplicationKey, float]] = []
        self.lessons: list[tuple[ApplicationKey, Lesson]] = []

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        if self.breaks_after == 0:
            raise RuntimeError("no refits")
        self.breaks_after -= 1
        return [fit for fit in self.fits if not fit.done()]

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        assert len(executions) <= self.chunk
        for execution in executions[: len(executions) // 2] if self.stumbles else executions:
            if execution.operation == "raise":
                raise ArithmeticError("no score for this")
            key = (execution.application, execution.environment)
            self.learned.setdefault(key, []).append(execution.trace_id)
        if self.stumbles:
            self.stumbles = False
            raise MemoryError("no room for a moment")
        found = [(i, anomaly_of(whole(e))) for i, e in enumerate(executions) if e.duration_ms >= SLOW_MS]
        n = len(executions)
        return ScoredBatch(np.zeros(n), [None] * n, np.zeros(n, dtype=np.bool_), found, [])

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        self.silent += [(now_s, application) for application in applications]
        return self.silence

    def now_s(self, application: ApplicationKey) -> float | None:
        return None

    def heed(self, key: ApplicationKey, lesson: Lesson) -> list[ModelEvent]:
        self.lessons.append((key, lesson))
        return []

    def refit(self, application: ApplicationKey, asked_s: float) -> list[ModelEvent]:
        self.refits.append((application, asked_s))
        return []

    def snapshot(self, application: ApplicationKey) -> bytes:
        return json.dumps([application, self.learned[application]]).encode()

    def restore(self, snapshot: bytes, wanted: ApplicationKey | None = None) -> ApplicationKey:
        try:
            (application, environment), learned = json.loads(snapshot)
        except ValueError as error:
            raise SnapshotError(f"no snapshot: {error}") from error
        if wanted is not None and (application, environment) != wanted:
            raise SnapshotError(f"a snapshot of {application}")
        self.learned[application, environment] = learned
        return application, environment

    def forget(self, application: ApplicationKey) -> None:
        self.learned.pop(application, None)

    def statistics(self) -> dict[str, int]:
        return {"applications": len(self.learned), "operations": 3, "ready_operations": 1}

    def drift(self) -> dict[ApplicationKey, float]:
        return dict.fromkeys(self.learned, 0.1)


class FakePublisher:
    """Keeps what is sent; waits while ``gate`` is closed; refuses values longer than ``limit``."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.sent: list[Outgoing] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.limit = limit

    async def publish(self, outgoing: Outgoing) -> None:
        await self.gate.wait()
        await asyncio.sleep(0)
        if len(outgoing.value or b"") > self.limit:
            raise RefusedError("too large")
        self.sent.append(outgoing)

    async def publish_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        for one in outgoing:
            await self.publish(one)

    async def publish_together(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        refused = []
        for one in outgoing:
            try:
                await self.publish(one)
            except RefusedError:
                refused.append(one)
        return refused

    def topic(self, name: str) -> list[Outgoing]:
        return [outgoing for outgoing in self.sent if outgoing.topic == name]


class FakeChangelog:
    """A compacted topic in memory: what is written to it is read from it, partition by partition.

    ``pages``: records of one page; ``reads``: where each reading began; no page comes while ``gate`` is closed.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.records: defaultdict[int, list[ConsumerRecord]] = defaultdict(list)
        self.pages = 2
        self.reads: list[dict[int, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._ends: defaultdict[int, int] = defaultdict(int)

    def append(self, partition: int, key: bytes | None, value: bytes | None) -> None:
        offset = self._ends[partition]
        self._ends[partition] = offset + 1
        self.records[partition].append(
            ConsumerRecord(self.topic, partition, offset, 0, 0, key, value, None, -1, -1, ())
        )

    def compact(self) -> None:
        """Keep the last record of each key, tombstones too."""
        for partition, records in self.records.items():
            last = {record.key: record.offset for record in records}
            self.records[partition] = [record for record in records if last[record.key] == record.offset]

    def live(self, partition: int = 0) -> dict[bytes | None, bytes]:
        """The keys that have a value now."""
        last = {record.key: record.value for record in self.records[partition]}
        return {key: value for key, value in last.items() if value is not None}

    async def read(self, begins: Mapping[int, int]) -> AsyncIterator[Page]:
        self.reads.append(dict(begins))
        for partition, asked in begins.items():
            begin, end = asked, self._ends[partition]
            if begin > end:
                begin = 0
                yield Page(partition, (), 0, anew=True)
            records = [record for record in self.records[partition] if record.offset >= begin]
            for first in range(0, len(records), self.pages):
                await asyncio.sleep(0)
                await self.gate.wait()
                some = records[first : first + self.pages]
                yield Page(partition, some, some[-1].offset + 1)
            yield Page(partition, (), end)


class KeepingPublisher(FakePublisher):
    """A publisher whose records for the changelog's topic land there."""

    def __init__(self, changelog: FakeChangelog) -> None:
        super().__init__()
        self.changelog = changelog

    async def publish(self, outgoing: Outgoing) -> None:
        await super().publish(outgoing)
        if outgoing.topic == self.changelog.topic:
            assert outgoing.partition is not None
            self.changelog.append(outgoing.partition, outgoing.key, outgoing.value)


class Reader(RunListener):
    """A RunApp that notes which offsets it was given, and waits for its agent when partitions are revoked."""

    def __init__(self, servers: str, topic: str, group: str, embedded: bool, **options: Any) -> None:
        self.topic = topic
        self.seen: list[tuple[int, int]] = []
        self.runs: list[Run] = []
        self.values: list[bytes | None] = []
        self.positions: list[dict[int, int | None]] = []
        self.lost: list[tuple[int, int, int]] = []
        self.lost_records: list[int] = []
        self.pause_s = 0.0
        self.keep: Callable[[Run], bool] = lambda run: False
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        given: dict[str, Any] = {
            "broker": f"kafka://{servers}",
            "store": "memory://",
            "topic_allow_declare": False,
            "topic_disable_leader": True,
            "topic_partitions": PARTITIONS,
            "web_enabled": False,
            "table_standby_replicas": 0,
            "stream_buffer_maxsize": 4,
            "broker_commit_interval": 0.2,
            # The embedded broker waits for members that have left until their session ends.
            "broker_session_timeout": 2.0 if embedded else 10.0,
            "broker_heartbeat_interval": 0.3,
        }
        self.app = RunApp(
            group,
            patience_s=10.0,
            lost=self.lost_records.append,
            broker_is_embedded=embedded,
            **{**given, **options},
        )
        self.app.read_runs([topic], _read, self)

    async def __aenter__(self) -> Self:
        try:
            await self.app.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        await asyncio.wait_for(self.app.stop(), 120)

    async def take(self, run: Run) -> None:
        self._at_rest.clear()
        self.runs.append(run)
        self.seen += [(record.partition, record.offset) for record in run.records]
        self.values += [record.value for record in run.records]
        await asyncio.sleep(self.pause_s)
        if not self.keep(run):
            run.ack()
        self._at_rest.set()

    async def finish_runs(self) -> None:
        await self._at_rest.wait()

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        self.positions.append({tp.partition: offset for tp, offset in committed.items()})

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        self.lost.append((tp.partition, wanted, resumed_at))

    def offsets(self, partition: int) -> list[int]:
        return [offset for number, offset in self.seen if number == partition]

    def partitions(self) -> set[int]:
        return {tp.partition for tp in self.app.consumer.assignment()}

    async def committed(self) -> dict[int, int | None]:
        thread = self.app.consumer._thread
        offsets: Mapping[Any, int | None] = await thread.call_thread(_committed, thread._consumer)
        return {tp.partition: offset for tp, offset in offsets.items()}


async def _read(runs: AsyncIterable[Run], reader: Reader) -> None:
    async for run in runs:
        await reader.take(run)


async def _committed(consumer: Any) -> dict[Any, int | None]:
    answer = await consumer._coordinator.fetch_committed_offsets(consumer.assignment())
    return {tp: answer[tp].offset if tp in answer else None for tp in consumer.assignment()}


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 120.0) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    while not condition():
        if clock() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain until {what}")
        await asyncio.sleep(0.02)


Produce = Callable[..., None]


@pytest.fixture
def topic(any_kafka: Broker, prefix: str) -> str:
    """An executions topic with four partitions on the broker."""
    topics = Topics(prefix, PARTITIONS)
    any_kafka.create_topics(topics)
    return topics.executions.name


@pytest.fixture
def produce(any_kafka: Broker, topic: str) -> Produce:
    """Sends values to one partition of the topic, or ``count`` numbered ones to each."""

    def send(
        values: Iterable[bytes | None] = (),
        partition: int = 0,
        count: int = 0,
        compression: str = "none",
    ) -> None:
        producer = Producer({**any_kafka.client_config, "linger.ms": 5, "compression.type": compression, "acks": "all"})
        for value in values:
            producer.produce(topic, value, partition=partition)
        for number in range(count):
            for target in range(PARTITIONS):
                producer.produce(topic, b"%d" % number, partition=target)
            producer.poll(0)
        assert producer.flush(120) == 0

    return send


@pytest.fixture
def reader(any_kafka: Broker, topic: str) -> Callable[..., Reader]:
    """Makes readers of the topic; all of one test are in one group."""

    def make(**options: Any) -> Reader:
        return Reader(any_kafka.bootstrap_servers, topic, f"{topic}group", any_kafka.embedded, **options)

    return make


@pytest.fixture
def wait_until() -> Callable[..., Awaitable[None]]:
    """Waits for a condition, and says what was awaited in vain."""
    return until


@pytest.fixture
def fake_scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def changelog() -> FakeChangelog:
    """The model state topic in memory."""
    return FakeChangelog(Topics().model_states.name)


@pytest.fixture
def fake_publisher(changelog: FakeChangelog) -> KeepingPublisher:
    """A publisher whose model states land in ``changelog``."""
    return KeepingPublisher(changelog)


@pytest.fixture
def model_states(
    changelog: FakeChangelog, fake_publisher: KeepingPublisher, tmp_path: Path
) -> Iterator[Callable[..., ModelStates]]:
    """Makes model states of one worker each, on ``changelog``."""
    made: list[ModelStates] = []

    def make(generation: int = 1, folder: str = "states", publisher: Any = fake_publisher) -> ModelStates:
        path = tmp_path / folder
        states = ModelStates(changelog.topic, lambda: path, changelog, publisher, lambda: generation)
        made.append(states)
        return states

    yield make
    for states in made:
        states.close()


@pytest.fixture
def record() -> Callable[..., ConsumerRecord]:
    """Makes records as the consumer hands them over."""

    def make(
        value: bytes | None,
        partition: int = 0,
        offset: int = 0,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int = 1_767_225_600_000,
        topic: str = "executions.v1",
    ) -> ConsumerRecord:
        return ConsumerRecord(topic, partition, offset, timestamp_ms, 0, key, value, None, -1, -1, tuple(headers))

    return make
