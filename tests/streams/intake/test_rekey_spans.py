"""Every partition of the spans topic is told how far the sources were read, and which messages were sent."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry

from tests.tracers.recorded import values_of
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import Tick
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.intake.metrics import IntakeMetrics
from tracehound.streams.intake.read_source import SourceReader
from tracehound.streams.intake.rekey_spans import Rekeying
from tracehound.streams.intake.sent_messages import SentMessages
from tracehound.streams.kafka.publisher import Outgoing, Publisher
from tracehound.streams.kafka.runs.run import Run

TOPICS = Topics("")
SENT_AT_NS = 1_795_962_272_528_592_000
"""When Brave's producer was done."""


@dataclass
class Written:
    """Stands for the publisher and the delivery: all that was written arrives at once."""

    ticks: list[tuple[int | None, Tick]] = field(default_factory=list)

    async def publish(self, outgoing: Outgoing) -> None:
        self.ticks.append((outgoing.partition, msgspec.msgpack.decode(outgoing.value or b"", type=Tick)))

    async def send(self, parcel: Parcel) -> None:
        parcel.when_safe()


def test_what_was_sent_is_told_to_every_partition_once() -> None:
    written: Any = Written()
    reader = SourceReader(TOPICS.traces.name, TOPICS.spans.name, TOPICS.spans.partitions, Limits())
    metrics = IntakeMetrics(CollectorRegistry())
    rekeying = Rekeying(
        *(reader, cast(Delivery, written), cast(Publisher, written), TOPICS, metrics),
        *(lambda _: 1, lambda _: None, lambda: None, lambda: 1_795_962_300.0),
    )
    records = [
        ConsumerRecord(TOPICS.otlp[0].name, 0, offset, 1_795_962_270_000, 0, None, value, None, -1, -1, ())
        for offset, value in enumerate(values_of("zipkin-brave"))
    ]

    async def read() -> None:
        await rekeying.assigned([TP(TOPICS.otlp[0].name, 0)])
        await rekeying.take(Run(TP(TOPICS.otlp[0].name, 0), records))
        await rekeying.tell_clocks()
        await rekeying.tell_clocks()

    asyncio.run(read())

    every = TOPICS.spans.partitions
    assert [partition for partition, _ in written.ticks] == [*range(every)] * 3
    assert [bool(tick.sent) for _, tick in written.ticks] == [False] * every + [True] * every + [False] * every
    sent = SentMessages()
    sent.add(written.ticks[every][1].sent)
    assert sent.sent_at("0000000000000000781f18b1f0cadc81", "6cc09e2dca95f3da") == SENT_AT_NS
