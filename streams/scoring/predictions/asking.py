"""Asks workers for predictions over Kafka, and finds each answer by the id of its request."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from tracehound.schemas.errors import BrokerError, InvalidExecutionError, TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.score import ScoreAnswer, UnreadScoreRequest, read_score_answer
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer, Partition
from tracehound.streams.kafka.librdkafka import librdkafka_options, producer_options
from tracehound.streams.settings.roles import COMMANDS_GROUP
from tracehound.streams.settings.settings import Settings

MOST_BYTES = 1_000_000
"""Executions of one request, as JSON."""
_POLL_S = 0.1
_AT_ONCE = 100
_BROKER_S = 5.0


class UnansweredError(TracehoundError):
    """Nobody answered in time: no worker owns the application now, or it has more to do than it may."""


class TooMuchAskedError(TracehoundError):
    """So many requests wait already, or one is so large, that it is not sent."""


class PredictionClient:
    """Sends requests to the owners of their applications; connects with the first. Any thread may ask.

    Parameters:
        settings: broker, security and topics.
        most: requests that may wait at a time.
        clock: wall time in epoch seconds, which requests expire by.
    """

    def __init__(self, settings: Settings, most: int = 256, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[ScoreAnswer]] = {}
        self._connecting = threading.Lock()
        self._not_before = 0.0
        self._producer: Producer | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self, key: ApplicationKey, executions: bytes, timeout_s: float) -> "Future[ScoreAnswer]":
        """What the worker says that owns the application; the future has ``UnansweredError`` where none does in time.

        ``executions`` is what a record of ``executions.v1`` holds, all of this application and environment. Blocks
        only while it connects, at the first request.

        Raises:
            TooMuchAskedError: it is too large, or too many wait.
            BrokerError: no broker answers, or the topics are missing.
        """
        if len(executions) > MOST_BYTES:
            raise TooMuchAskedError(
                f"The executions of a request must be at most {MOST_BYTES:,} bytes. Got {len(executions):,} instead."
            )
        asked = UnreadScoreRequest(
            id=uuid.uuid4().hex,
            application=key[0],
            environment=key[1],
            expires_at=self._clock() + timeout_s,
            executions=msgspec.Raw(executions),
        )
        future: Future[ScoreAnswer] = Future()
        producer = self._producer or self._connected()
        with self._lock:
            if len(self._waiting) >= self._most:
                raise TooMuchAskedError(f"At most {self._most} requests may wait for predictions. As many do already.")
            self._waiting[asked.id] = future
        ends = threading.Timer(timeout_s, self._give_up, (asked, timeout_s))
        ends.daemon = True
        ends.start()

        def done(_: "Future[ScoreAnswer]") -> None:
            ends.cancel()
            self._waiting.pop(asked.id, None)

        future.add_done_callback(done)
        self._send(producer, asked)
        return future

    def close(self) -> None:
        """Give up what waits, and disconnect."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for future in list(self._waiting.values()):
            future.cancel()

    def _send(self, producer: Producer, asked: UnreadScoreRequest) -> None:
        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self._settle(asked.id, BrokerError(f"Kafka did not take the request: {error.str()}."))

        topic, key = self._settings.topics.score_requests.name, asked.application.encode()
        try:
            producer.produce(topic, msgspec.json.encode(asked), key, on_delivery=delivered)
        except (KafkaException, BufferError) as error:
            self._settle(asked.id, BrokerError(f"Kafka did not take the request: {error}."))

    def _give_up(self, asked: UnreadScoreRequest, timeout_s: float) -> None:
        about = f"No worker answered for {asked.application} within {timeout_s:g} s"
        self._settle(asked.id, UnansweredError(f"{about}: none that owns it runs, or it is behind."))

    def _settle(self, identity: str, outcome: ScoreAnswer | TracehoundError) -> None:
        """The first outcome counts, whichever thread brings it."""
        future = self._waiting.pop(identity, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if isinstance(outcome, TracehoundError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def _connected(self) -> Producer:
        """Connects, once at a time and not again just after that failed: who asks meanwhile need not wait for it."""
        if time.monotonic() < self._not_before or not self._connecting.acquire(blocking=False):
            raise BrokerError(f"Kafka at {self._settings.bootstrap_servers} is not connected to yet.")
        try:
            return self._producer or self._connect()
        except BrokerError:
            self._not_before = time.monotonic() + _BROKER_S
            raise
        finally:
            self._connecting.release()

    def _connect(self) -> Producer:
        options = librdkafka_options(self._settings) | {"client.id": "tracehound-predictions", "log_level": 0}
        try:
            with closing(Consumer(options | {"group.id": COMMANDS_GROUP, "enable.auto.commit": False})) as asked:
                ends = self._ends(asked)
        except KafkaException as error:
            servers = self._settings.bootstrap_servers
            raise BrokerError(f"Kafka at {servers} cannot be asked for predictions: {error.args[0].str()}.") from error
        consumer = BoundedConsumer(self._settings, "tracehound-predictions")
        consumer.assign(ends)
        producer = Producer(options | producer_options(self._settings) | {"linger.ms": 1})
        self._producer = producer
        self._thread = threading.Thread(target=self._listen, args=(consumer, producer), name="predictions", daemon=True)
        self._thread.start()
        return producer

    def _ends(self, consumer: Consumer) -> dict[Partition, int]:
        """Where answers to what is asked from now on will be."""
        topic = self._settings.topics.score_answers.name
        found = consumer.list_topics(topic, timeout=_BROKER_S).topics[topic]
        if found.error is not None or not found.partitions:
            raise BrokerError(f"Kafka has no topic {topic}: create it with `tracehound topics`.")
        return {
            (topic, number): consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_BROKER_S)[1]
            for number in found.partitions
        }

    def _listen(self, consumer: Any, producer: Any) -> None:
        try:
            while not self._stop.is_set():
                producer.poll(0)
                for record in consumer.consume(_AT_ONCE, _POLL_S):
                    self._take(record)
        except (KafkaException, BrokerError) as error:  # as where a right is taken away: who asks next connects anew
            why = error.args[0].str() if isinstance(error, KafkaException) else str(error).rstrip(".")
            self._producer = None
            for identity in list(self._waiting):
                self._settle(identity, BrokerError(f"Kafka did not take the request: {why}."))
        finally:
            consumer.close()

    def _take(self, record: ConsumerRecord) -> None:
        identity = (record.key or b"").decode(errors="replace")
        if identity in self._waiting:  # the answers of others are on the topic, too
            with suppress(InvalidExecutionError):
                self._settle(identity, read_score_answer(record.value))
