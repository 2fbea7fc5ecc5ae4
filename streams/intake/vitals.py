"""How a running intake worker is doing: what it owns, what waits, and when it last got on."""

import time
from collections.abc import Callable, Mapping

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from tracehound.streams.intake.join_traces import Joining
from tracehound.streams.intake.rekey_spans import Rekeying
from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.worker.consumer_vitals import ConsumerVitals


class IntakeVitals(ConsumerVitals):
    """What metrics and health ask (``health.Vitals`` among them), and what intake asks of its consumer."""

    def __init__(self, app: RunApp, spans_topic: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(app, spans_topic)
        self._clock = clock
        self.rekeying: Rekeying | None = None
        self.joining: Joining | None = None

    def last_progress(self) -> float:
        """When a run was last dealt with, as ``time.monotonic()``."""
        return max((part.last_progress for part in (self.rekeying, self.joining) if part is not None), default=0.0)

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
