"""Strangers who write to the executions topic what nobody should, beside a good feed, at a bounded rate."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from typing import Final, Self

from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaError, Producer

from tracehound.schemas.errors import BrokerError
from tracehound.scripts.strangers.odd_records import kinds, size, some
from tracehound.scripts.strangers.values import Given

RECORDS_PER_S: Final = 200.0
BYTES_PER_S: Final = 500_000.0
_TURN_S: Final = 0.05
_LAST_S: Final = 90.0
_LARGEST_BYTES: Final = 2_000_000
_BATCHES: Final = ([bytes(200_000_000)], [bytes(900_000)] * 20)
"""What compressed batches hold: one more than a worker unpacks of a batch, the other what it refuses one by one."""
_PACKED_BYTES: Final = 2**28


class Strangers:
    """Send from a thread of their own, each kind in turn, until the ``with`` ends.

    Parameters:
        servers: of the broker.
        topic: the executions topic.
        partitions: how many it has.
        seeds: good records, to be damaged.
    """

    def __init__(
        self, servers: str, topic: str, partitions: int, seeds: Sequence[bytes], chance: random.Random
    ) -> None:
        self._servers = servers
        self._topic = topic
        self._partitions = partitions
        self._kinds = kinds(seeds, topic, chance)
        self._chance = chance
        self._producer = Producer(
            {"bootstrap.servers": servers, "message.max.bytes": _LARGEST_BYTES, "linger.ms": 20, "log_level": 0}
        )
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.sent_bytes = 0
        self.rounds = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()
        self._producer.flush(_LAST_S)

    def check(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            for partition in range(self._partitions):  # so that each has a first record, which origins may name
                self._send(Given(b"{}"), partition)
            self._producer.flush(_LAST_S)
            while self._round():
                self.rounds += 1
        except Exception as error:  # noqa: BLE001 (``check`` raises it where it is waited for)
            self._failure = error

    def _round(self) -> bool:
        """Send some of each kind; False once it is over."""
        for make in self._chance.sample([*self._kinds.values()], len(self._kinds)):
            for one in some(make(), self._chance):
                while not self._is_due():
                    self._producer.poll(0)
                    if self._over.wait(_TURN_S):
                        return False
                self._send(one, self._chance.randrange(self._partitions))
        asyncio.run(self._send_packed())
        return not self._over.is_set()

    def _is_due(self) -> bool:
        over_s = time.monotonic() - self._begun
        return self.sent < over_s * RECORDS_PER_S and self.sent_bytes < over_s * BYTES_PER_S

    def _send(self, one: Given, partition: int) -> None:
        key = self._chance.choice([None, b"shop", self._chance.randbytes(9)])
        headers = list(one.headers)
        while True:
            try:
                self._producer.produce(
                    self._topic, one.value, key, partition, headers=headers, on_delivery=self._delivered
                )
                break
            except BufferError:  # the broker has enough to do
                self._producer.poll(_TURN_S)
        self.sent += 1
        self.sent_bytes += size(one)

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._failure = BrokerError(f"The broker must take what strangers send. Got {error} instead.")

    async def _send_packed(self) -> None:
        """Batches of few bytes that hold many."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, compression_type="zstd", max_batch_size=_PACKED_BYTES
        )
        await producer.start()
        try:
            for values in _BATCHES:
                batch = producer.create_batch()
                for value in values:
                    assert batch.append(key=None, value=value, timestamp=None) is not None, "it has room"
                partition = self._chance.randrange(self._partitions)
                await (await producer.send_batch(batch, self._topic, partition=partition))
                self.sent += len(values)
        finally:
            await producer.stop()
