"""The agent of log events on a changelog in memory: whatever is interrupted, the same executions with their origins."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.streams.conftest import FakeChangelog, KeepingPublisher
from tests.streams.made_anew import RemadeTopic
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.logs.metrics import LogMetrics
from tracehound.streams.intake.logs.mine_logs import Mining
from tracehound.streams.intake.logs.partition_logs import LogRules, PartitionLogs
from tracehound.streams.intake.metrics import IntakeMetrics
from tracehound.streams.kafka.extent import ExtentOf
from tracehound.streams.kafka.forwarding import read_origin
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.placed_states import PlacedState, PlacedStates

TOPICS = Topics("", 3)
INPUT = TP(TOPICS.log_events.name, 0)
NOW_S = 1_767_225_600.0
STATES = PlacedStates("logs")


def event(message: str = "user ann paid 3 EUR today", level: str = "info", **fields: Any) -> bytes:
    return msgspec.json.encode({"message": message, "level": level, **fields})


def story(seed: int, count: int = 150) -> list[bytes]:
    """Records of some templates of three applications; some are arrays, some are damaged, some come again."""
    chance = random.Random(seed)
    records: list[bytes] = []
    for number in range(count):
        if chance.random() < 0.05:
            records.append(chance.choice([b"nonsense", b"[", event(level="loud")]))
            continue
        some = [
            event(
                f"{chance.choice(['order', 'payment', 'cart'])} of {chance.choice(['ann', 'bob'])} {kind} after {n} ms",
                chance.choice(["info", "error"]),
                application=chance.choice(["shop", "bank", ""]),
                id=chance.choice(["", f"{number}/{n}", "often"]),
            )
            for n, kind in enumerate(chance.choices(["was placed", "failed for good", "waits"], k=chance.randint(1, 4)))
        ]
        records.append(some[0] if len(some) == 1 else b"[" + b",".join(some) + b"]")
    return records


class Worker:
    """One worker: from its start until it ends or is killed."""

    def __init__(
        self, kept: FakeChangelog, publisher: KeepingPublisher, generation: int, extent: ExtentOf | None = None
    ) -> None:
        self.failures: list[BaseException] = []
        self.loading: list[asyncio.Future[None]] = []
        registry = CollectorRegistry()
        self.mining = Mining(
            LogRules(templates=30),
            Limits(),
            Emitter(INPUT.topic, TOPICS.executions.name, 3),
            CheckpointLog(kept.topic, kept, publisher, STATES.pack, STATES.unpack, extent),
            Delivery(publisher, TOPICS.dead_letters.name, IntakeMetrics(registry), 16, self.failures.append),
            LogMetrics(registry),
            lambda: generation,
            lambda work: self.loading.append(asyncio.ensure_future(work)),
            lambda: None,
            lambda: NOW_S,
        )

    async def start(self, committed: int | None) -> None:
        await self.mining.assigned([INPUT])
        await asyncio.gather(*self.loading)
        self.mining.positioned({INPUT: committed})
        await asyncio.gather(*self.loading)


def run_of(values: Sequence[bytes | None], start: int) -> Run:
    at_ms = int(NOW_S * 1000)
    records = [
        ConsumerRecord(INPUT.topic, 0, start + index, at_ms, 0, None, value, None, -1, -1, ())
        for index, value in enumerate(values)
    ]
    return Run(INPUT, records)


def emitted(publisher: KeepingPublisher) -> dict[int, list[Execution]]:
    """The executions by the number of their origin; what came again must be the same."""
    found: dict[int, list[Execution]] = {}
    for one in publisher.topic(TOPICS.executions.name):
        origin = read_origin(one.headers, {INPUT.topic}, 3)
        assert origin is not None
        executions = msgspec.json.decode(one.value or b"", type=Execution | list[Execution])
        own = executions if isinstance(executions, list) else [executions]
        assert found.setdefault(origin.offset, own) == own
    return found


def play(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())


def uninterrupted(records: Sequence[bytes]) -> dict[int, list[Execution]]:
    publisher = KeepingPublisher(FakeChangelog(TOPICS.log_checkpoints.name))

    async def test() -> None:
        worker = Worker(FakeChangelog(TOPICS.log_checkpoints.name), publisher, 1)
        await worker.start(None)
        await worker.mining.take(run_of(records, 0))
        await worker.mining.finish_runs()
        assert worker.failures == []

    play(test())
    return emitted(publisher)


def test_an_event_becomes_an_execution_of_its_template() -> None:
    records = [
        event(
            "user ann paid 3 EUR with token=abc", application="shop", host="h", environment="live", version="2", id="a"
        ),
        event("user bob paid 4 EUR with token=abd", "fatal", application="shop", trace_id="t", attributes={"n": 1}),
    ]
    (first,), (second,) = uninterrupted(records).values()
    assert (first.application, first.environment, first.version, first.host) == ("shop logs", "live", "2", "h")
    assert (first.kind, first.operation, first.duration_ms) == (
        "log",
        "user ann paid <num> EUR with token=<secret>",
        0.0,
    )
    assert (first.started_at, first.status, first.error) == (NOW_S, "ok", None)
    assert first.attributes == {
        "tracehound.log.id": "a",
        "tracehound.log.application": "shop",
        "tracehound.log.level": "info",
        "tracehound.log.message": "user ann paid 3 EUR with token=<secret>",
        "tracehound.log.template_id": "1",
        "tracehound.log.template_count": 1,
    }
    assert (second.trace_id, second.status, second.attributes["n"]) == ("t", "error", 1)
    assert second.error is not None
    assert second.error.type == second.operation == "user bob paid <num> EUR with token=<secret>"
    assert len(second.attributes["tracehound.log.id"]) == 32


@pytest.mark.parametrize("seed", range(8))
def test_workers_that_are_interrupted_anywhere_emit_the_same_executions(seed: int) -> None:
    records, chance = story(seed), random.Random(seed)
    expected = uninterrupted(records)

    async def test() -> None:
        kept = FakeChangelog(TOPICS.log_checkpoints.name)
        publisher = KeepingPublisher(kept)
        committed, generation = 0, 0
        while committed < len(records):
            generation += 1
            worker = Worker(kept, publisher, generation)
            await worker.start(committed)
            runs: list[Run] = []
            at = committed
            for _ in range(chance.randint(1, 6)):
                if at < len(records):
                    run = run_of(records[at : at + chance.randint(1, 20)], at)
                    at = run.end
                    runs.append(run)
                    await worker.mining.take(run)
                if chance.random() < 0.4:
                    await worker.mining.save()
            if chance.random() < 0.5:
                await worker.mining.finish_runs()
            assert worker.failures == []
            for run in runs:  # the rest is lost with the worker
                if not run.acked:
                    break
                committed = run.end
        assert emitted(publisher) == expected
        refused = {letter.value for letter in publisher.topic(TOPICS.dead_letters.name)}
        assert refused >= {value for value in records if value in (b"nonsense", b"[")}

    play(test())


def test_an_event_whose_id_came_before_counts_once() -> None:
    records = [event(id="one"), event(id="two"), b"[" + event(id="one") + b"," + event() + b"]", event()]
    made = [one.attributes["tracehound.log.id"] for own in uninterrupted(records).values() for one in own]
    assert made[:2] == ["one", "two"]
    assert len(made) == len(set(made)) == 4


def test_applications_that_were_not_seen_for_longest_are_forgotten_beyond_the_memory() -> None:
    logs = PartitionLogs(LogRules(memory_bytes=20_000), Limits())
    for number in range(100):
        logs.take(event(application=f"app-{number}"), NOW_S, str(number))
    assert logs.nbytes <= 20_000
    assert 0 < logs.templates < 20


def test_long_attributes_stay_on_the_topic_of_events_and_nobody_says_ours() -> None:
    logs = PartitionLogs(LogRules(), Limits())
    long, forged = {"text": "x" * 20_000}, {"tracehound.log.level": "info", "tracehound.log.more": 1, "own": 2}
    (one,) = logs.take(event(level="error", attributes=long), NOW_S, "a").executions
    (other,) = logs.take(event(level="error", attributes=forged), NOW_S, "b").executions
    assert "text" not in one.attributes
    assert (other.attributes["own"], other.attributes["tracehound.log.level"]) == (2, "error")
    assert "tracehound.log.more" not in other.attributes


@pytest.mark.parametrize("change", [lambda _: b"", lambda all_of_it: all_of_it[:-3], lambda _: b"\x93\x02\xc4\x00\x90"])
def test_templates_that_are_damaged_are_refused(change: Callable[[bytes], bytes]) -> None:
    logs = PartitionLogs(LogRules(), Limits())
    logs.take(event(), NOW_S, "a")
    with pytest.raises(SnapshotError, match="templates cannot be used"):
        PartitionLogs.restore(change(logs.snapshot()), LogRules(), Limits())


def test_what_was_saved_and_cannot_be_used_is_told_and_reading_begins_anew() -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.log_checkpoints.name)
        for value in STATES.pack(0, PlacedState(7, b"nonsense")):
            kept.append(0, b"0/1/0/0", value)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 2)
        with capture_logs() as logs:
            await worker.start(0)
        assert [one["event"] for one in logs] == ["templates_unreadable"]
        await worker.mining.take(run_of([event()], 0))
        await worker.mining.save()
        assert list(emitted(publisher)) == [0]

    play(test())


def test_where_the_topic_was_made_anew_before_anything_was_read_origins_are_of_the_new_one() -> None:
    topic = RemadeTopic(0)

    async def test() -> None:
        kept = FakeChangelog(TOPICS.log_checkpoints.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1, topic.extent)
        await worker.start(None)
        topic.make_anew(1)
        worker.mining.offsets_lost(INPUT, 0, 0)
        await asyncio.gather(*worker.loading)
        await worker.mining.take(run_of([event()], 0))
        await worker.mining.save()
        (made,) = publisher.topic(TOPICS.executions.name)
        origin = read_origin(made.headers, {INPUT.topic}, 3)
        assert origin is not None
        assert origin.topic_id == "after"

    play(test())


def test_origins_are_of_the_new_topic_also_where_that_was_made_between_assignment_and_reading() -> None:
    topic = RemadeTopic(9)

    async def test() -> None:
        kept = FakeChangelog(TOPICS.log_checkpoints.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1, topic.extent)
        await worker.mining.assigned([INPUT])
        await asyncio.gather(*worker.loading)
        topic.make_anew(1)
        worker.mining.positioned({INPUT: None})  # whoever reads knows of no other topic before this one
        await asyncio.gather(*worker.loading)
        await worker.mining.take(run_of([event()], 0))
        await worker.mining.save()
        (made,) = publisher.topic(TOPICS.executions.name)
        origin = read_origin(made.headers, {INPUT.topic}, 3)
        assert origin is not None
        assert origin.topic_id == "after", "else one origin leads to two contents"

    play(test())
