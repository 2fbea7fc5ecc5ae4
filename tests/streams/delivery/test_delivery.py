"""What a parcel holds arrives in order per topic and partition, and one topic does not hold up another."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from tests.streams.conftest import FakePublisher
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.scoring.metrics import Metrics


class OnePlaceAtATime(FakePublisher):
    """Takes a sequence only if all of it goes to one partition of one topic, as Kafka does."""

    async def publish_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        assert len({(one.topic, one.partition) for one in outgoing}) == 1
        await super().publish_in_order(outgoing)


def test_forwards_to_the_same_partition_of_two_topics_are_kept_apart() -> None:
    async def test() -> None:
        publisher, failures = OnePlaceAtATime(), list[BaseException]()
        delivery = Delivery(publisher, "dead", Metrics(CollectorRegistry()), 4, failures.append)
        sent = [Outgoing(topic, b"k", b"%d" % number, (), 1) for number in range(20) for topic in ("a", "b")]
        await delivery.send(Parcel(0, forwards=sent))
        async with asyncio.timeout(120):
            await delivery.idle()

        assert failures == []
        for topic in ("a", "b"):
            assert [one.value for one in publisher.topic(topic)] == [b"%d" % number for number in range(20)]

    asyncio.run(test())
