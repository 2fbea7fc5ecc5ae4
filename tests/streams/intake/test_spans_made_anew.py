"""The topic of spans made anew while a worker joins it."""

import asyncio

import pytest
from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry

from tests.streams.conftest import FakeChangelog, KeepingPublisher
from tests.streams.made_anew import RemadeTopic
from tracehound.schemas.join_checkpoint import pack_checkpoint, unpack_checkpoint
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.join_traces import Joining
from tracehound.streams.intake.metrics import IntakeMetrics
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.states.checkpoint_log import CheckpointLog

TOPICS = Topics("", 3)
SPANS = TP(TOPICS.spans.name, 0)


@pytest.mark.parametrize("noticed", [True, False], ids=["while it is read", "before it is read"])
def test_checkpoints_are_of_the_new_topic_also_where_nothing_was_read_of_the_old_one(noticed: bool) -> None:
    topic = RemadeTopic(0)

    async def seek(tp: TP, offset: int) -> None:
        raise AssertionError(f"nobody has reason to seek {tp} at {offset}")

    async def test() -> None:
        kept = FakeChangelog(TOPICS.join_checkpoints.name)
        publisher = KeepingPublisher(kept)
        metrics = IntakeMetrics(CollectorRegistry())
        failures: list[BaseException] = []
        loading: list[asyncio.Future[None]] = []
        log = CheckpointLog(kept.topic, kept, publisher, pack_checkpoint, unpack_checkpoint, topic.extent)
        joining = Joining(
            JoinRules(1_000, 2_000, 60_000, 1_000, 1_000_000, 60_000, 60_000),
            1_000,
            Emitter(SPANS.topic, TOPICS.executions.name, 3),
            log,
            Delivery(publisher, TOPICS.dead_letters.name, metrics, 16, failures.append),
            TOPICS,
            metrics,
            seek,
            lambda: 1,
            lambda work: loading.append(asyncio.ensure_future(work)),
            lambda: None,
        )
        await joining.assigned([SPANS])
        if noticed:
            joining.positioned({SPANS: None})
        await asyncio.gather(*loading)
        topic.make_anew(1)
        if noticed:
            joining.offsets_lost(SPANS, 0, 0)
        joining.positioned({SPANS: None})
        await asyncio.gather(*loading)
        await joining.take(Run(SPANS, [ConsumerRecord(*SPANS, 0, 0, 0, None, b"no spans", None, -1, -1, ())]))
        await joining.checkpoint()
        checkpoint = (await log.load([0]))[0][0]
        assert checkpoint is not None
        assert (checkpoint.position, checkpoint.topic_id) == (1, "after")
        assert failures == []

    asyncio.run(test())
