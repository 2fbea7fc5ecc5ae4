"""Seeks of the consumer while its group rebalances."""

import asyncio
from collections import defaultdict
from typing import Any

from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError
from faust.types import TP

from tracehound.streams.kafka.runs.consumer import RunConsumer
from tracehound.streams.kafka.runs.handover import Handover

PLACE = TP("executions", 0)


class RevokedThread:
    """Nothing is committed of a partition, which is another's by the time that its start is sought."""

    async def getmany(self, active: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 (Faust's name)
        raise NoOffsetForPartitionError(PLACE)

    async def seek_to_beginning(self, *partitions: Any) -> None:
        raise IllegalStateError(f"Partitions {partitions} are not assigned")


def test_a_partition_that_is_revoked_while_its_start_is_sought_is_left_to_others() -> None:
    consumer: Any = object.__new__(RunConsumer)
    consumer._handovers, consumer._thread = defaultdict(Handover), RevokedThread()
    assert asyncio.run(consumer._getmany({PLACE}, 1.0)) == {}
