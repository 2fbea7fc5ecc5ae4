"""How soon brokers are asked for records again: what arrives meanwhile comes in one answer, and is taken at once."""

import time
from collections.abc import Callable
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

from tracehound.streams.kafka.runs.fetch_watch import watch_fetches

MUCH_BYTES = 524_288
"""An answer of so many bytes is one of many that pile up: the next is asked for without a pause."""


class FetchPace:
    """Lets a broker gather records between two fetches.

    An answer costs what it is, its partitions and a call of the core, however few records it holds. aiokafka asks again
    as soon as it may, and a broker answers as soon as there is one record: a worker with little to do would be busy
    with answers of a few. So a fetch follows the last one that brought records after ``gather_s``, less what dealing
    with them takes: until a record is done with it takes about as long as that, be there few or many. What comes after
    a while of nothing waits for nothing.

    Parameters:
        gather_s: within how many seconds what arrives is gathered and dealt with.
        took_s: how many seconds it takes to deal with what a fetch brings.
    """

    def __init__(self, gather_s: float, took_s: Callable[[], float]) -> None:
        self._gather_s = gather_s
        self._took_s = took_s
        self._asked_s = 0.0  # when the last fetch that brought records was sent; 0.0: there is none, or it brought much

    def watch(self, consumer: Any) -> None:
        """Pace the fetches of an ``AIOKafkaConsumer`` that has been started."""
        fetcher = consumer._fetcher
        actions = fetcher._get_actions_per_node

        def paced(assignment: Any) -> Any:
            fetches, resets, wait_s, *others = actions(assignment)
            pause_s = self.pause_s() if fetches else 0.0
            if pause_s > 0.0:
                fetches, wait_s = [], min(wait_s, pause_s)
            return fetches, resets, wait_s, *others

        watch_fetches(consumer._client, time.monotonic, self._note)
        fetcher._get_actions_per_node = paced

    def pause_s(self) -> float:
        """How many seconds the next fetch has to wait yet; 0 or less: none."""
        return self._asked_s + self._gather_s - self._took_s() - time.monotonic()

    def _note(self, asked_s: float, _: FetchRequest, answer: Any) -> None:
        size = sum(len(one[-1] or b"") for _, partitions in answer.topics for one in partitions)
        if size:
            self._asked_s = asked_s if size < MUCH_BYTES else 0.0
