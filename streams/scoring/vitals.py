"""How a running worker is doing: its partitions, what waits, and when it last got on."""

import time
from collections.abc import Callable

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from tracehound.streams.kafka.runs.app import RunApp
from tracehound.streams.kafka.runs.consumer import RunConsumer
from tracehound.streams.scoring.score_executions import Scoring
from tracehound.streams.states.partitions import Partitions

_FRESH_S = 5.0


class WorkerVitals:
    """What metrics, health and the watch for silence ask (``health.Vitals`` among them)."""

    def __init__(
        self,
        app: RunApp,
        topic: str,
        partitions: Partitions,
        scoring: Scoring,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._topic = topic
        self._owned = partitions
        self._scoring = scoring
        self._clock = clock

    def partitions(self) -> list[int] | None:
        """The partitions assigned and read from; None before the first assignment and during rebalances.

        Empty where there are more workers than partitions: such a worker is ready to take over.
        """
        app = self._app
        reading = app.flow_control.is_active() and not app.rebalancing and app.consumer_generation_id > 0
        return sorted(partition.number for partition in self._owned) if reading else None

    def waiting(self) -> int:
        """Records that wait to be scored."""
        return sum(self.lag_records().values())

    def last_progress(self) -> float:
        """When a run was last acknowledged, as ``time.monotonic()``."""
        return self._scoring.last_progress

    def unheard_s(self) -> float:
        """For how long the broker has been silent about a partition of which nothing is left to do, at most."""
        consumer = self._consumer()
        if consumer is None or self.partitions() is None:
            return 0.0
        return max((consumer.unheard_s(TP(self._topic, owned.number)) for owned in self._owned), default=0.0)

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

    def _consumer(self) -> RunConsumer | None:
        consumer: RunConsumer | None = self._app._consumer  # app.consumer would create one
        return consumer
