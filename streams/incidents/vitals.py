"""How a running incident worker is doing: what it owns, what waits, and when it last got on."""

import time
from collections.abc import Mapping

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from streams.batch_consumer import RunApp, RunConsumer


class IncidentVitals:
    """What metrics and health ask (``health.Vitals`` among them)."""

    def __init__(self, app: RunApp, input_topic: str) -> None:
        self._app = app
        self._input_topic = input_topic
        self.progressed_at = time.monotonic()

    def progressed(self) -> None:
        """A run was dealt with."""
        self.progressed_at = time.monotonic()

    def partitions(self) -> list[int] | None:
        """The partitions of the input assigned and read from; None before the first and during rebalances.

        Empty where another worker has the one there is: such a worker is ready to take over.
        """
        app = self._app
        if not app.flow_control.is_active() or app.rebalancing or app.consumer_generation_id <= 0:
            return None
        return sorted(tp.partition for tp in self._assigned() if tp.topic == self._input_topic)

    def waiting(self) -> int:
        """Records of all topics that wait to be read."""
        return sum(self.waiting_by_topic().values())

    def last_progress(self) -> float:
        """When a run was last dealt with, as ``time.monotonic()``."""
        return self.progressed_at

    def unheard_s(self) -> float:
        """For how long the broker has been silent about a partition of which nothing is left to do, at most."""
        consumer: RunConsumer | None = self._app._consumer  # app.consumer would create one
        if consumer is None or self.partitions() is None:
            return 0.0
        return max((consumer.unheard_s(tp) for tp in self._assigned()), default=0.0)

    def waiting_by_topic(self) -> Mapping[str, int]:
        """Records that wait to be read, by topic."""
        waiting = dict.fromkeys(self._app.run_topics, 0)
        consumer: RunConsumer | None = self._app._consumer  # app.consumer would create one
        for tp in self._assigned():
            if consumer is not None and tp.topic in waiting:
                waiting[tp.topic] += consumer.unread(tp)
        return waiting

    def generation(self) -> int:
        """The generation of the consumer group."""
        return int(self._app.consumer_generation_id)

    def _assigned(self) -> list[TP]:
        consumer: RunConsumer | None = self._app._consumer
        try:
            return [] if consumer is None else list(consumer.assignment())
        except ConsumerNotStarted:
            return []
