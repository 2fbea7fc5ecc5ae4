"""When brokers answered fetches, at the latest."""

import time
from typing import Any

from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

from tracehound.streams.kafka.runs.fetch_watch import watch_fetches

LONGEST_WAIT_MS = 500
"""How long a broker holds an answer back at most where nothing is new."""


class AnswerTimes:
    """Bounds on when answers to fetches were given.

    aiokafka dates an answer at when it reads it. A process that was stopped for a while reads afterwards what had come
    long before: "nothing is left" of then is no word on what was written since. An answer is no younger than its
    request and the time that the broker may wait.
    """

    def __init__(self) -> None:
        self._by_partition: dict[TP, int] = {}

    def watch(self, client: Any) -> None:
        """Note the fetches that an ``AIOKafkaClient`` sends from now on."""
        watch_fetches(client, lambda: int(time.time() * 1000) + LONGEST_WAIT_MS, self._note)

    def _note(self, latest_ms: int, request: FetchRequest, _: Any) -> None:
        for topic, partitions in request.topics:
            for partition, *_rest in partitions:
                self._by_partition[TP(topic, partition)] = latest_ms

    def bounded(self, tp: TP, read_ms: int) -> int:
        """When the answer that was read at ``read_ms`` was given, at the latest; epoch milliseconds."""
        return min(read_ms, self._by_partition.get(tp, read_ms))
