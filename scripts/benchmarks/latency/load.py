"""The load of the latency benchmark: a process of its own that sends at a constant rate, whatever the answers."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME

from tracehound.schemas.topics import Topic
from tracehound.scripts.benchmarks.latency.workload import Load, Timed, timed_records
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.recorded.sending import connect
from tracehound.streams.settings.settings import Settings

_NAP_S: Final = 0.001
_FLUSH_S: Final = 30.0


@dataclass(slots=True)
class Sent:
    """What was sent: when the broker appended each planted execution, epoch milliseconds by trace id.

    ``behind_ms`` is the longest that a record left after its time, ``took_s`` from the first record to the last;
    ``failure`` is what the broker said of the first record that it did not take.
    """

    appended_ms: dict[str, int] = field(default_factory=dict)
    records: int = 0
    behind_ms: float = 0.0
    took_s: float = 0.0
    failure: str = ""


class Producer(Protocol):
    """The part of ``confluent_kafka.Producer`` that is needed."""

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[[Any, Any], None]) -> None:
        """Queue a record; BufferError when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports for up to ``timeout`` seconds."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait for deliveries; returns how many records are still queued."""
        ...


def run_load(servers: str, topic: Topic, load: Load, pipe: Connection) -> None:
    """Prepare all records, say so through ``pipe``, wait for the word to start, send, and answer with ``Sent``."""
    records = timed_records(load, time.time())
    config = producer_config(Settings(bootstrap_servers=servers)) | {"queue.buffering.max.messages": 1_000_000}
    producer = connect(config, topic)
    gc.freeze()
    gc.disable()  # a pause would send in bursts
    pipe.send(len(records))
    pipe.recv()
    pipe.send(send_in_time(producer, topic.name, records))


def send_in_time(
    producer: Producer,
    topic: str,
    records: Sequence[Timed],
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send each record at its time, or at once where that has passed; never slower because answers are late."""
    sent = Sent(records=len(records))
    normal = partial(_delivered, sent, "")
    begun_s, number = clock(), 0
    while number < len(records):
        now_s = clock() - begun_s
        sent.behind_ms = max(sent.behind_ms, 1000.0 * (now_s - records[number].at_s))
        while number < len(records) and records[number].at_s <= now_s:
            _, key, value, planted = records[number]
            report = partial(_delivered, sent, planted) if planted else normal
            try:
                producer.produce(topic, value, key, on_delivery=report)
            except BufferError:
                break
            number += 1
        producer.poll(0)
        sleep(_NAP_S)
    sent.took_s = clock() - begun_s
    if left := producer.flush(_FLUSH_S):
        sent.failure = sent.failure or f"{left} records were not acknowledged"
    return sent


def _delivered(sent: Sent, planted: str, error: Any, message: Any) -> None:
    if error is not None:
        sent.failure = sent.failure or str(error)
    elif planted:
        kind, moment_ms = message.timestamp()
        if kind == TIMESTAMP_LOG_APPEND_TIME:
            sent.appended_ms[planted] = moment_ms
        else:
            sent.failure = sent.failure or "the broker did not say when it appended a record"
