"""Sends executions to Kafka itself, by confluent-kafka (the extra ``kafka``)."""

import ctypes
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from tracehound_client.transports.transport import Outcome

_DELIVERY_S = 15.0
_SLACK_S = 5.0

log = logging.getLogger(__name__)


class Kafka:
    """A producer of the topic of executions; begins to connect when there is something to send.

    Parameters:
        bootstrap_servers: addresses of brokers, separated by commas.
        topic: of executions.
        options: more settings of librdkafka, such as those of SASL and TLS.

    Raises:
        ModuleNotFoundError: confluent-kafka is not installed: pip install 'tracehound-client[kafka]'.
    """

    def __init__(
        self,
        bootstrap_servers: str = "localhost:9092",
        topic: str = "tracehound.executions.v1",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        from confluent_kafka import KafkaError, KafkaException, Producer

        self._make, self._failed = Producer, KafkaException
        self._never = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}
        self._topic = topic
        self._options = {
            "bootstrap.servers": bootstrap_servers,
            "partitioner": "murmur2_random",  # that of Java's clients, which the workers expect
            "acks": "all",
            "compression.type": "gzip",
            "message.timeout.ms": int(_DELIVERY_S * 1_000),
            **(options or {}),
        }
        self._producer: Any = None

    def send(self, application: str, batch: Sequence[bytes]) -> Outcome:
        """See ``Transport``."""
        told: list[Any] = []
        value = batch[0] if len(batch) == 1 else b"[" + b",".join(batch) + b"]"
        try:
            if self._producer is None:
                self._producer = self._make(self._options, logger=log)
            self._producer.produce(
                self._topic, value, application.encode(), on_delivery=lambda error, _: told.append(error)
            )
            self._producer.flush(_DELIVERY_S + _SLACK_S)
        except (self._failed, BufferError) as error:
            told.append(error.args[0] if isinstance(error, self._failed) else error)
        if told and told[0] is None:
            return Outcome(sent=len(batch))
        cause = told[0] if told else "it did not say what became of them in time"
        code = getattr(cause, "code", lambda: None)()
        why = f"Kafka has not acknowledged them: {cause}."
        if code in self._never:
            return Outcome(refused=len(batch), trouble=why)
        return Outcome(trouble=why, again_in_s=0.0)

    def close(self) -> None:
        """See ``Transport``: what the producer holds was waited for by ``send``."""
        self._producer = None

    def left_behind(self) -> None:
        """See ``Transport``: librdkafka's threads are not here, and would be waited for by who destroys it."""
        if self._producer is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._producer))
            self._producer = None
