"""How a running intake worker is doing, and what intake asks of its consumer."""

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from tracehound.streams.worker.consumer_vitals import ConsumerVitals


class IntakeVitals(ConsumerVitals):
    """What metrics and health ask (``health.Vitals`` among them), and what intake asks of its consumer."""

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
