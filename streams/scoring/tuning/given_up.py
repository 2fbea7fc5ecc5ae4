"""Whether somebody gave a tuning up, looked for on the topic of results while its candidates are tried."""

import time
from typing import Self

from confluent_kafka import Consumer, KafkaError, TopicPartition

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.tuning import TuningTask, is_cancellation, read_tuning_result
from tracehound.streams.kafka.librdkafka import librdkafka_options
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
        self._consumer = Consumer(
            librdkafka_options(settings)
            | {
                "group.id": settings.group_id,  # joined by nobody here: librdkafka asks for one
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "client.id": "tracehound-tuning",
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(settings.topics.tuning_results.name, 0, task.results_from)])

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
        for message in self._consumer.consume(_AT_ONCE, wait_s):
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    return True
                continue
            try:
                result = read_tuning_result(message.value())
            except InvalidExecutionError:
                continue
            self._found |= result.tuning == self._tuning and is_cancellation(result)
        return False
