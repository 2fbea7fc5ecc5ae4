"""How a running intake worker is doing: what it owns, what waits, and when it last got on."""

import time
from collections.abc import Callable, Mapping

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from streams.batch_consumer import RunApp, RunConsumer
from streams.intake.join_traces import Joining
from streams.intake.rekey_spans import Rekeying


class IntakeVitals:
    """What metrics and health ask (``health.Vitals`` among them), and what intake asks of its consumer."""

    def __init__(self, app: RunApp, spans_topic: str, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._spans_topic = spans_topic
        self._clock = clock
        self.rekeying: Rekeying | None = None
        self.joining: Joining | None = None

    def partitions(self) -> list[int] | None:
        """The partitions of the spans topic assigned and read from; None before the first and during rebalances."""
        app = self._app
        if not app.flow_control.is_active() or app.rebalancing or app.consumer_generation_id <= 0:
            return None
        return sorted(tp.partition for tp in self._assigned() if tp.topic == self._spans_topic)

    def waiting(self) -> int:
        """Records of all topics that wait to be read."""
        return sum(self.waiting_by_topic().values())

    def last_progress(self) -> float:
        """When a run was last dealt with, as ``time.monotonic()``."""
        return max((part.last_progress for part in (self.rekeying, self.joining) if part is not None), default=0.0)

    def unheard_s(self) -> float:
        """For how long the broker has been silent about a partition of which nothing is left to do, at most."""
        consumer = self._consumer()
        if consumer is None or self.partitions() is None:
            return 0.0
        return max((consumer.unheard_s(tp) for tp in self._assigned()), default=0.0)

    def waiting_by_topic(self) -> Mapping[str, int]:
        """Records that wait to be read, by topic."""
        waiting = dict.fromkeys(self._app.run_topics, 0)
        consumer = self._consumer()
        for tp in self._assigned():
            if consumer is not None and tp.topic in waiting:
                waiting[tp.topic] += consumer.unread(tp)
        return waiting

    def behind_s(self) -> Mapping[int, float]:
        """By partition of the spans topic the wall time since its watermark, where it has one."""
        now_s = self._clock()
        marks = {} if self.joining is None else self.joining.watermarks_ms()
        return {partition: max(0.0, now_s - mark / 1000.0) for partition, mark in marks.items() if mark > 0}

    def empty_at_ms(self, source: TP) -> int | None:
        """When the broker last said that a source holds nothing that was not dealt with, epoch milliseconds."""
        consumer = self._consumer()
        try:
            return None if consumer is None or self._app.rebalancing else consumer.empty_at_ms(source)
        except ConsumerNotStarted:
            return None

    def partitions_of(self, topic: str) -> int | None:
        """How many partitions a topic has; None while that is not known."""
        consumer = self._consumer()
        try:
            return None if consumer is None else consumer.partition_count(topic)
        except ConsumerNotStarted:
            return None

    async def seek(self, tp: TP, offset: int) -> None:
        """Let the consumer read on at ``offset``."""
        consumer = self._consumer()
        if consumer is not None:
            await consumer.seek(tp, offset)

    def generation(self) -> int:
        """The generation of the consumer group."""
        return int(self._app.consumer_generation_id)

    def _assigned(self) -> list[TP]:
        consumer = self._consumer()
        try:
            return [] if consumer is None else list(consumer.assignment())
        except ConsumerNotStarted:
            return []

    def _consumer(self) -> RunConsumer | None:
        consumer: RunConsumer | None = self._app._consumer  # app.consumer would create one
        return consumer
