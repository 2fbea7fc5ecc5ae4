"""Sends spans to Kafka as OpenTelemetry Collectors do: batched by service, in no order, without a key."""

import random
import time
from collections.abc import Callable, Iterable

from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import Resource
from tracehound.schemas.topics import Topic
from tracehound.scripts.recorded.otlp_encoding import Encode
from tracehound.scripts.recorded.otlp_spans import Exported, OtlpSpan, spans_of_execution, spans_of_trace
from tracehound.scripts.recorded.sending import CLOSE_S, KafkaProducer, TopicWriter
from tracehound.streams.intake.assembly.executions import Trace

LINGER_S = 0.2
"""Waiting spans leave at least this often, or the rest of a trace would come when nobody waits for it any more."""


class OtlpSender:
    """Sends the spans of executions and of recorded traces, up to ``batch`` spans per record.

    Every service exports for itself, so the spans of one trace come in different records. At ``flush``, and
    after ``LINGER_S``, the rest of several services shares records, as where they have a collector in common.
    Spans are shuffled within a record, always the same for a ``seed``. A record larger than
    ``max_record_bytes`` is halved.

    Raises:
        BrokerError: the broker refused a record or none answers; raised by the next call.
    """

    def __init__(
        self,
        producer: KafkaProducer,
        topic: Topic,
        encode: Encode,
        batch: int = 500,
        max_record_bytes: int = 1_000_000,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = TopicWriter(producer, topic)
        self._encode = encode
        self._batch = batch
        self._max_record_bytes = max_record_bytes
        self._shuffle = random.Random(seed).shuffle
        self._clock = clock
        self._flushed_s = clock()
        self._waiting: dict[str, list[tuple[Resource, OtlpSpan]]] = {}
        self.spans = 0

    @property
    def records(self) -> int:
        """How many records were handed to the client."""
        return self._writer.records

    def send(self, execution: Execution) -> None:
        """Queue the spans of an execution; they leave when their service's record is full, or at ``flush``.

        Raises:
            InvalidExecutionError: it cannot be told by spans; see ``spans_of_execution``.
        """
        self._add([spans_of_execution(execution)])

    def send_trace(self, trace: Trace) -> None:
        """Queue the spans of a recorded trace; they leave as those of executions do.

        Raises:
            InvalidExecutionError: it cannot be exported; see ``spans_of_trace``.
        """
        self._add(spans_of_trace(trace))

    def flush(self) -> None:
        """Hand everything queued here to the client, without waiting for its delivery."""
        self._flushed_s = self._clock()
        rest = [waiting for of_service in self._waiting.values() for waiting in of_service]
        self._waiting.clear()
        for begin in range(0, len(rest), self._batch):
            self._produce(rest[begin : begin + self._batch])
        self._writer.poll()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Flush and wait until the broker has acknowledged every record."""
        self.flush()
        self._writer.close(timeout_s)

    def summary(self) -> str:
        """How many spans and records were sent."""
        return f"{self.spans:,} spans in {self.records:,} records"

    def _add(self, exported: Iterable[Exported]) -> None:
        for resource, spans in exported:
            waiting = self._waiting.setdefault(resource.service, [])
            waiting += [(resource, span) for span in spans]
            self.spans += len(spans)
            while len(waiting) >= self._batch:
                self._produce(waiting[: self._batch])
                del waiting[: self._batch]
        if self._clock() - self._flushed_s >= LINGER_S:
            self.flush()

    def _produce(self, batch: list[tuple[Resource, OtlpSpan]]) -> None:
        self._shuffle(batch)
        by_resource: dict[Resource, list[OtlpSpan]] = {}
        for resource, span in batch:
            by_resource.setdefault(resource, []).append(span)
        value = self._encode(list(by_resource.items()))
        if len(value) <= self._max_record_bytes or len(batch) == 1:
            self._writer.produce(value, None)
            return
        middle = len(batch) // 2
        self._produce(batch[:middle])
        self._produce(batch[middle:])
