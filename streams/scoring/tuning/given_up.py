"""Whether somebody gave a tuning up, looked for on the topic of results while its candidates are tried."""

import time
from contextlib import suppress
from typing import Self

from tracehound.schemas.errors import BrokerError, InvalidExecutionError
from tracehound.schemas.tuning import TuningTask, is_cancellation, read_tuning_result
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer
from tracehound.streams.settings.settings import Settings

_AT_ONCE = 1_000
_FIRST_S = 10.0


class GivenUp:
    """Reads results from where those of a tuning begin, and remembers whether one of them gives it up.

    Where Kafka does not answer, nobody has: a candidate too many is tried.
    """

    def __init__(self, settings: Settings, task: TuningTask) -> None:
        self._tuning = task.tuning
        self._found = False
        self._place = (settings.topics.tuning_results.name, 0)
        self._consumer = BoundedConsumer(settings, "tracehound-given-up")
        self._consumer.assign({self._place: task.results_from})

    def __enter__(self) -> Self:
        """Read what there is by now, so that a task that waits for its turn is not begun."""
        until_s = time.monotonic() + _FIRST_S
        while not self._found and time.monotonic() < until_s and not self._read(0.2):
            pass
        return self

    def __exit__(self, *exception: object) -> None:
        self._consumer.close()

    def __call__(self) -> bool:
        """Whether somebody did, as far as it is known without waiting."""
        self._read(0.0)
        return self._found

    def _read(self, wait_s: float) -> bool:
        """Read on; True at the end of the topic."""
        with suppress(BrokerError):
            for record in self._consumer.consume(_AT_ONCE, wait_s):
                with suppress(InvalidExecutionError):
                    result = read_tuning_result(record.value)
                    self._found |= result.tuning == self._tuning and is_cancellation(result)
        return self._place in self._consumer.at_end()
