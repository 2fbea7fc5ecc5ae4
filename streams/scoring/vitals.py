"""How a running scoring worker is doing: its partitions, what waits, and when it last got on."""

import time
from collections.abc import Callable

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.worker.consumer_vitals import ConsumerVitals

_FRESH_S = 5.0


class ScoringVitals(ConsumerVitals):
    """What metrics, health and the watch for silence ask (``health.Vitals`` among them)."""

    def __init__(self, app: RunApp, topic: str, partitions: Partitions, clock: Callable[[], float] = time.time) -> None:
        super().__init__(app, topic)
        self._owned = partitions
        self._clock = clock

    def partitions(self) -> list[int] | None:
        """The partitions assigned and read from; None before the first assignment and during rebalances.

        Empty where there are more workers than partitions: such a worker is ready to take over.
        """
        return sorted(partition.number for partition in self._owned) if self._is_reading() else None

    def waiting(self) -> int:
        """Records that wait to be scored."""
        return sum(self.lag_records().values())

    def lag_records(self) -> dict[int, int]:
        """Records that wait, by partition."""
        consumer = self._consumer()
        if consumer is None:
            return {}
        try:
            return {owned.number: consumer.lag(TP(self._topic, owned.number)) for owned in self._owned}
        except ConsumerNotStarted:
            return {}

    def lag_seconds(self) -> dict[int, float]:
        """Event time between now and the newest scored execution, by partition; 0 where nothing waits."""
        waiting = self.lag_records()
        now_s = self._clock()
        lag: dict[int, float] = {}
        for owned in self._owned:
            behind = waiting.get(owned.number, 0) > 0 and owned.newest_event_s is not None
            lag[owned.number] = max(0.0, now_s - (owned.newest_event_s or now_s)) if behind else 0.0
        return lag

    def read_to_end(self, partition: int) -> bool:
        """Whether the partition was scored and acknowledged to its end, as of a few seconds ago."""
        consumer = self._consumer()
        if consumer is None or self.partitions() is None:
            return False
        return consumer.at_end(TP(self._topic, partition), known_since_s=_FRESH_S)
