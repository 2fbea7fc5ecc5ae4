"""Sends executions to Kafka: batched by application or trace, with back-pressure, delivery awaited."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution import Execution
from tracehound.schemas.topics import Topic

POLL_S = 0.2
"""How long to wait for deliveries when the local queue is full."""
CLOSE_S = 30.0
"""How long to wait for the last deliveries."""


class KafkaProducer(Protocol):
    """The part of ``confluent_kafka.Producer`` that is needed."""

    def produce(
        self, topic: str, value: bytes, key: bytes | None, *, on_delivery: Callable[[object, object], None]
    ) -> None:
        """Queue a record; BufferError when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports for up to ``timeout`` seconds."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait for deliveries; returns how many records are still queued."""
        ...


class TopicWriter:
    """Hands records of one topic to a client that may be full, and awaits what becomes of them.

    Raises:
        BrokerError: the broker refused a record or does not answer; raised by the next call.
    """

    def __init__(self, producer: KafkaProducer, topic: Topic) -> None:
        self._producer = producer
        self._topic = topic.name
        self._failure: str | None = None
        self.records = 0

    def produce(self, value: bytes, key: bytes | None) -> None:
        """Hand over a record, once the client has room for it."""
        while True:
            self._check()
            try:
                self._producer.produce(self._topic, value, key, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(POLL_S)
            else:
                break
        self.records += 1
        self._producer.poll(0)

    def poll(self) -> None:
        """Learn what has become of earlier records, without waiting."""
        self._producer.poll(0)
        self._check()

    def close(self, timeout_s: float) -> None:
        """Wait until the broker has acknowledged every record."""
        left = self._producer.flush(timeout_s)
        self._check()
        if left:
            raise BrokerError(f"The broker did not acknowledge {left} records within {timeout_s:.0f} s.")

    def _delivered(self, error: object, message: object) -> None:  # noqa: ARG002 (the client's signature)
        if error is not None and self._failure is None:
            self._failure = f"The broker did not take a record of the topic {self._topic}: {error}."

    def _check(self) -> None:
        if self._failure is not None:
            raise BrokerError(self._failure)


class Sender(Protocol):
    """What sends executions, in whatever format."""

    def send(self, execution: Execution) -> None:
        """Queue an execution."""
        ...

    def flush(self) -> None:
        """Hand everything queued to the client, without waiting for its delivery."""
        ...

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Flush and wait until the broker has acknowledged every record."""
        ...

    def summary(self) -> str:
        """What was sent so far, counted."""
        ...


class _KeyedSender:
    """Executions that wait for others with the same key, to share a record with them."""

    def __init__(
        self, producer: KafkaProducer, topic: Topic, batch: int = 1, max_record_bytes: int = 1_000_000
    ) -> None:
        self._writer = TopicWriter(producer, topic)
        self._batch = batch
        self._max_record_bytes = max_record_bytes
        self._waiting: dict[str, list[bytes]] = {}
        self._bytes: dict[str, int] = {}
        self._encode = msgspec.json.Encoder().encode
        self.executions = 0

    @property
    def records(self) -> int:
        """How many records were handed to the client."""
        return self._writer.records

    def flush(self) -> None:
        """Hand everything queued here to the client, without waiting for its delivery."""
        for key in list(self._waiting):
            self._produce(key)
        self._writer.poll()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Flush and wait until the broker has acknowledged every record."""
        self.flush()
        self._writer.close(timeout_s)

    def summary(self) -> str:
        """How many executions and records were sent."""
        return f"{self.executions:,} executions in {self.records:,} records"

    def _add(self, key: str, execution: Execution) -> int:
        """Let an execution wait; returns how many wait with that key."""
        value = self._encode(execution)
        if self._bytes.get(key, 0) + len(value) + 2 > self._max_record_bytes:
            self._produce(key)
        waiting = self._waiting.setdefault(key, [])
        waiting.append(value)
        self._bytes[key] = self._bytes.get(key, 0) + len(value) + 1
        self.executions += 1
        return len(waiting)

    def _produce(self, key: str) -> None:
        waiting = self._waiting.pop(key, [])
        self._bytes.pop(key, None)
        if waiting:
            value = waiting[0] if self._batch == 1 else b"[" + b",".join(waiting) + b"]"
            self._writer.produce(value, key.encode() or None)


class ExecutionSender(_KeyedSender):
    """Sends executions of many applications, up to ``batch`` of one application per record.

    A record's key is the application and its value one execution (``batch`` 1) or a JSON array. The order of
    an application's executions is kept. Kafka's timestamps are the time of sending; event times are kept.

    Raises:
        BrokerError: the broker refused a record or none answers; raised by the next call.
    """

    def send(self, execution: Execution) -> None:
        """Queue an execution; it leaves when its application's record is full, or at ``flush``."""
        if self._add(execution.application, execution) >= self._batch:
            self._produce(execution.application)


class TraceSender(_KeyedSender):
    """Sends executions as their own services know them, to be joined with others of their trace.

    A record's key is the trace id (none where there is none) and its value one execution (``batch`` 1) or a
    JSON array of those of one trace. When ``batch`` executions wait, of whatever traces, they all leave. How
    long a callee took by its own clock (``remote_ms``) is left out: that is what joining finds out.

    Raises:
        BrokerError: the broker refused a record or none answers; raised by the next call.
    """

    _since_flush = 0

    def send(self, execution: Execution) -> None:
        """Queue an execution; it leaves when ``batch`` of them wait, or at ``flush``."""
        self._add(execution.trace_id, unjoined(execution))
        self._since_flush += 1
        if self._since_flush >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Hand everything queued here to the client, without waiting for its delivery."""
        self._since_flush = 0
        super().flush()


def unjoined(execution: Execution) -> Execution:
    """The execution without what only its callees know (itself where there is nothing of that).

    >>> from tracehound.schemas.execution import Segment
    >>> call = Segment("GET /", 5.0, "http", remote_ms=4.0)
    >>> unjoined(Execution("shop", "GET /", 0.0, 9.0, segments=[call])).segments[0].remote_ms is None
    True
    """
    if all(segment.remote_ms is None for segment in execution.segments):
        return execution
    segments = [msgspec.structs.replace(segment, remote_ms=None) for segment in execution.segments]
    return msgspec.structs.replace(execution, segments=segments)


def connect(
    config: dict[str, Any], topic: Topic, timeout_s: float = 10.0, how: str = "create it with `tracehound topics`"
) -> Any:
    """A ``confluent_kafka.Producer`` that has seen the broker and the topic; ``how`` says how to get the topic.

    Raises:
        BrokerError: no broker answers, does not admit this client, or the topic does not exist.
    """
    from confluent_kafka import KafkaError, KafkaException, Producer

    from tracehound.infra.kafka.asking import ask_until, is_final

    refusals: list[KafkaError] = []
    producer = Producer({**config, "error_cb": lambda error: refusals.append(error) if is_final(error) else None})
    servers = config["bootstrap.servers"]

    def is_refused() -> bool:
        producer.poll(0)
        return bool(refusals)

    try:
        known = ask_until(lambda patience_s: producer.list_topics(timeout=patience_s).topics, is_refused, timeout_s)
    except KafkaException as error:
        why = (refusals or error.args)[0].str()
        raise BrokerError(f"No Kafka broker answers at {servers}: {why}.") from error
    if topic.name not in known:
        raise BrokerError(f"The topic {topic.name} does not exist at {servers}: {how}.")
    return producer
