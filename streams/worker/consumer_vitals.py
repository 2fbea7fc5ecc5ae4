"""How the consumer of a running worker is doing: what it owns, what waits to be read, when it last got on."""

import time
from collections.abc import Mapping

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.kafka.runs.consumer import RunConsumer


class ConsumerVitals:
    """What metrics and health ask (``health.Vitals`` among them) of a worker that reads topics in runs.

    Parameters:
        topic: the one whose partitions say whether the worker is ready.
    """

    def __init__(self, app: RunApp, topic: str) -> None:
        self._app = app
        self._topic = topic
        self._progressed_at = time.monotonic()

    def progressed(self) -> None:
        """A run was dealt with."""
        self._progressed_at = time.monotonic()

    def last_progress(self) -> float:
        """When a run was last dealt with, as ``time.monotonic()``."""
        return self._progressed_at

    def partitions(self) -> list[int] | None:
        """The partitions of the topic assigned and read from; None before the first and during rebalances.

        Empty where other workers have all there are: such a worker is ready to take over.
        """
        if not self._is_reading():
            return None
        return sorted(tp.partition for tp in self._assigned() if tp.topic == self._topic)

    def waiting(self) -> int:
        """Records of all topics that wait to be read."""
        return sum(self.waiting_by_topic().values())

    def waiting_by_topic(self) -> Mapping[str, int]:
        """Records that wait to be read, by topic."""
        waiting = dict.fromkeys(self._app.run_topics, 0)
        consumer = self._consumer()
        for tp in self._assigned():
            if consumer is not None and tp.topic in waiting:
                waiting[tp.topic] += consumer.unread(tp)
        return waiting

    def unheard_s(self) -> float:
        """For how long the broker has been silent about a partition of which nothing is left to do, at most."""
        consumer = self._consumer()
        if consumer is None or self.partitions() is None:
            return 0.0
        return max((consumer.unheard_s(tp) for tp in self._assigned()), default=0.0)

    def _is_reading(self) -> bool:
        app = self._app
        return bool(app.flow_control.is_active() and not app.rebalancing and app.consumer_generation_id > 0)

    def _assigned(self) -> list[TP]:
        consumer = self._consumer()
        try:
            return [] if consumer is None else list(consumer.assignment())
        except ConsumerNotStarted:
            return []

    def _consumer(self) -> RunConsumer | None:
        consumer: RunConsumer | None = self._app._consumer  # app.consumer would create one
        return consumer
