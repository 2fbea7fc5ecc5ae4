"""Sends executions to Kafka: batched per application, in order, with back-pressure, delivery awaited."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from schemas.errors import BrokerError
from schemas.execution import Execution
from schemas.topics import Topic

POLL_S = 0.2
"""How long to wait for deliveries when the local queue is full."""


class KafkaProducer(Protocol):
    """The part of ``confluent_kafka.Producer`` that is needed."""

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[[object, object], None]) -> None:
        """Queue a record; BufferError when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Serve delivery reports for up to ``timeout`` seconds."""
        ...

    def flush(self, timeout: float) -> int:
        """Wait for deliveries; returns how many records are still queued."""
        ...


class ExecutionSender:
    """Sends executions of many applications, up to ``batch`` of one application per record.

    A record's key is the application and its value one execution (``batch`` 1) or a JSON array. The order of
    an application's executions is kept. Kafka's timestamps are the time of sending; event times are kept.

    Raises:
        BrokerError: the broker refused a record or none answers; raised by the next call.
    """

    def __init__(
        self, producer: KafkaProducer, topic: Topic, batch: int = 1, max_record_bytes: int = 1_000_000
    ) -> None:
        self._producer = producer
        self._topic = topic.name
        self._batch = batch
        self._max_record_bytes = max_record_bytes
        self._waiting: dict[str, list[bytes]] = {}
        self._bytes: dict[str, int] = {}
        self._failure: str | None = None
        self._encode = msgspec.json.Encoder().encode
        self.executions = 0
        self.records = 0

    def send(self, execution: Execution) -> None:
        """Queue an execution; it leaves when its application's record is full, or at ``flush``."""
        application = execution.application
        value = self._encode(execution)
        if self._bytes.get(application, 0) + len(value) + 2 > self._max_record_bytes:
            self._produce(application)
        waiting = self._waiting.setdefault(application, [])
        waiting.append(value)
        self._bytes[application] = self._bytes.get(application, 0) + len(value) + 1
        self.executions += 1
        if len(waiting) >= self._batch:
            self._produce(application)

    def flush(self) -> None:
        """Hand everything queued here to the client, without waiting for its delivery."""
        for application in list(self._waiting):
            self._produce(application)
        self._producer.poll(0)
        self._check()

    def close(self, timeout_s: float = 30.0) -> None:
        """Flush and wait until the broker has acknowledged every record."""
        self.flush()
        left = self._producer.flush(timeout_s)
        self._check()
        if left:
            raise BrokerError(f"The broker did not acknowledge {left} records within {timeout_s:.0f} s.")

    def _produce(self, application: str) -> None:
        waiting = self._waiting.pop(application, [])
        self._bytes.pop(application, None)
        if not waiting:
            return
        value = waiting[0] if self._batch == 1 else b"[" + b",".join(waiting) + b"]"
        while True:
            self._check()
            try:
                self._producer.produce(self._topic, value, application.encode(), on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(POLL_S)
            else:
                break
        self.records += 1
        self._producer.poll(0)

    def _delivered(self, error: object, message: object) -> None:  # noqa: ARG002 (the client's signature)
        if error is not None and self._failure is None:
            self._failure = f"The broker did not take a record of the topic {self._topic}: {error}."

    def _check(self) -> None:
        if self._failure is not None:
            raise BrokerError(self._failure)


def connect(config: dict[str, Any], topic: Topic, timeout_s: float = 10.0) -> Any:
    """A ``confluent_kafka.Producer`` that has seen the broker and the topic.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
    """
    from confluent_kafka import KafkaException, Producer

    producer = Producer(config)
    servers = config["bootstrap.servers"]
    try:
        known = producer.list_topics(timeout=timeout_s).topics
    except KafkaException as error:
        raise BrokerError(f"No Kafka broker answers at {servers}: {error.args[0].str()}.") from error
    if topic.name not in known:
        raise BrokerError(f"The topic {topic.name} does not exist at {servers}: create it with `tracehound topics`.")
    return producer
