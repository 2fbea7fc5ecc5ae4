"""Batches that brokers take and aiokafka stops at: their records are scored, and all that lies behind them."""

import asyncio
import json
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record._crc32c import crc

from tests.end_to_end.conftest import Field
from tests.end_to_end.test_worker import ON_APACHE_KAFKA, StartWorker, execution, record
from tracehound.streams.kafka.forwarding import Partitioner


async def send_changed(field: Field, partition: int, content: object, these: bytes, others: bytes) -> None:
    """Send a record as a batch in which some bytes are others, and its checksum is right."""
    producer = AIOKafkaProducer(bootstrap_servers=field.broker.bootstrap_servers, enable_idempotence=False)
    await producer.start()
    try:
        batch = producer.create_batch()
        key, value = record(content)
        assert batch.append(key=key, value=value, timestamp=None, headers=[("name", b"said")]) is not None
        batch.close()
        made = bytearray(batch._builder.build())
        assert made[61:].count(these) == 1
        made[61:] = made[61:].replace(these, others)
        made[17:21] = crc(bytes(made[21:])).to_bytes(4, "big")
        batch._buffer = made
        await (await producer.send_batch(batch, field.topics.executions.name, partition=partition))
    finally:
        await producer.stop()


@ON_APACHE_KAFKA
def test_records_that_the_client_does_not_read_are_scored_and_those_behind_them(
    field: Any, worker: StartWorker
) -> None:
    partition = Partitioner(field.topics.partitions).partition_of("shop")
    asyncio.run(send_changed(field, partition, execution(0), b"name", b"\xff\xfe\xff\xfe"))
    # Its offset is said to lie eight behind that of its batch.
    asyncio.run(send_changed(field, partition, execution(1), b"\0\0\0\x08shop", b"\0\0\x10\x08shop"))
    field.send([record(execution(number)) for number in range(2, 40)])
    process = worker(field.environment)
    progress = field.read(
        field.topics.progress.name, lambda found: sum(json.loads(one.value())["executions"] for one in found) >= 40
    )
    assert sum(json.loads(one.value())["executions"] for one in progress) == 40
    assert process.get("/livez")[0] == 200
