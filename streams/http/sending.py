"""Records on their way to Kafka: a request is answered when all of its records are acknowledged, or one cannot be."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tracehound.streams.http.refusal import RequestRefusedError, put_off
from tracehound.streams.kafka.librdkafka import librdkafka_options, producer_options
from tracehound.streams.settings.settings import Settings

_POLL_S = 0.1
_ASK_S = 5.0
"""How long the broker may take to say which topics there are."""
_LOOK_S = 2.0
_REFUSALS = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
)
"""What trying again does not mend."""

PARTITION_UA = -1
"""Any partition, or that of the key; librdkafka's word for it."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """One record to send; its key decides about the partition (murmur2) if none is given; without both any will do."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int = PARTITION_UA


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for Kafka, what may wait for it at once, and when a client is to come again."""

    kafka_timeout_s: float
    max_mb_in_flight: float
    retry_after_s: int


class Sender(Protocol):
    """Sends records."""

    async def send(self, records: Sequence[Record]) -> None:
        """Return once Kafka has acknowledged all of them.

        Raises:
            RequestRefusedError: one of them was not acknowledged in time (503), or never will be (413). Others of them
                may be in Kafka all the same.
        """
        ...


class KafkaSender:
    """Sends by librdkafka, and knows whether the broker answers, so that requests need not wait for one that does not.

    Parameters:
        settings: broker and security.
        client: is what the broker sees us as.
        patience: how long to wait.
        topics: that are written to; a broker would make what is asked for and missing.
        failed: is told of an error that no record survives; the process has to end.
    """

    def __init__(
        self,
        settings: Settings,
        client: str,
        patience: Patience,
        topics: Sequence[str],
        failed: Callable[[str], None],
    ) -> None:
        self._patience = patience
        self._options = (
            librdkafka_options(settings)
            | producer_options(settings)
            | {
                "client.id": client,
                "log_level": 0,  # librdkafka would write to stderr; errors reach the callbacks
                "linger.ms": 2,
                "reconnect.backoff.max.ms": 1_000,  # a broker that is back is found at once
                "message.timeout.ms": int(patience.kafka_timeout_s * 1000),
                "queue.buffering.max.kbytes": max(1024, int(patience.max_mb_in_flight * 2 * 1000)),
                "queue.buffering.max.messages": 1_000_000,
                "error_cb": self._error,
            }
        )
        self._servers = settings.bootstrap_servers
        self._wanted = frozenset(topics)
        self._missing: frozenset[str] | None = None
        self._failed = failed
        self._producer: Producer = None
        self._stop = threading.Event()
        self._watch: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now, in one sentence; empty where it can."""
        if self._missing is None:
            return f"Kafka at {self._servers} cannot be reached (setting 'bootstrap_servers')."
        if self._missing:
            named = ", ".join(map(repr, sorted(self._missing)))
            return f"Kafka has no topic {named}, or hides it from this user; create it by: tracehound topics."
        return ""

    async def start(self) -> None:
        """Begin to connect; the broker need not be there yet.

        Raises:
            ConfigurationError: librdkafka does not take the settings.
        """
        self._producer = Producer(self._options)
        self._thread = threading.Thread(target=self._poll, name="deliveries", daemon=True)
        self._thread.start()
        self._watch = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """End; what is under way is sent until its time is over."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await asyncio.to_thread(self._producer.flush, self._patience.kafka_timeout_s)
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def send(self, records: Sequence[Record]) -> None:
        """See ``Sender``."""
        if self.trouble:
            raise self._away(self.trouble, "no_topic" if self._missing else "kafka_away")
        if not records:
            return
        delivery = _Delivery(len(records))
        try:
            for record in records:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    headers=list(record.headers),
                    on_delivery=delivery.told,
                )
        except BufferError:
            raise self._away("Too much waits for Kafka.", "busy") from None
        except KafkaException as error:
            raise self._undelivered(error.args[0]) from error
        failure = await delivery.done
        if failure is not None:
            raise self._undelivered(failure)

    def _undelivered(self, error: Any) -> RequestRefusedError:
        if error.code() in _REFUSALS:
            return RequestRefusedError(413, "kafka_refuses", f"Kafka will not take a record of this: {error.str()}.")
        self._missing = None  # until it is heard of again
        log.warning("not_acknowledged", sentence="Records were not acknowledged by Kafka.", cause=error.str())
        return self._away(f"Kafka has not acknowledged it: {error.str()}.", "kafka_away")

    def _away(self, why: str, reason: Any) -> RequestRefusedError:
        return put_off(reason, f"{why} Nothing of this request counts as accepted.", self._patience.retry_after_s)

    def _error(self, error: Any) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._missing = None
        if error.fatal():
            self._failed(f"Kafka's producer cannot go on: {error.str()}.")

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(_POLL_S)

    async def _look(self) -> None:
        """Ask the broker every now and then which topics there are."""
        while True:
            before = self.trouble
            try:
                told = await asyncio.to_thread(self._producer.list_topics, timeout=_ASK_S)
                self._missing = self._wanted - told.topics.keys()
            except KafkaException as error:
                self._missing = None
                cause = error.args[0].str()
                log.warning("broker_unreachable", sentence=self.trouble, cause=cause)
            if before and not self.trouble:
                log.info("broker_reached", brokers=self._servers)
            elif self._missing:
                log.warning("topics_missing", sentence=self.trouble)
            await asyncio.sleep(_LOOK_S)


class _Delivery:
    """What becomes of the records of one request. ``done`` is the first error, or None."""

    def __init__(self, records: int) -> None:
        self._left = records
        self._failure: Any = None
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self._loop.create_future()

    def told(self, error: Any, _message: Message) -> None:
        """Kafka has acknowledged a record, or will not; called by the thread of deliveries alone."""
        self._left -= 1
        self._failure = self._failure or error
        if not self._left:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        if not self.done.done():  # the client may have gone away
            self.done.set_result(self._failure)
