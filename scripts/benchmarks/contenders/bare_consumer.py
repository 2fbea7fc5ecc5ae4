"""What the two bare contenders share: a confluent-kafka consumer and our codec, and nothing around them."""

import gc
from collections.abc import Iterator

from confluent_kafka import Consumer

from schemas.codec import Limits, decode_record
from schemas.execution import Execution

_RECORDS = 5_000
_GC_THRESHOLDS = (100_000, 20, 50)  # the worker's: with the default of 700 collections take a third of the time


def decoded_batches(bootstrap: str, topic: str, group: str) -> Iterator[list[Execution]]:
    """What there is in the topic, decoded and checked as the worker does; waits for more, without end.

    Raises:
        RuntimeError: the consumer met an error, or a record is refused.
    """
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    limits = Limits()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.freeze()
    while True:
        executions: list[Execution] = []
        for message in consumer.consume(_RECORDS, 0.05):
            if message.error() is not None:
                raise RuntimeError(f"The consumer must read {topic}. It says: {message.error()}.")
            decoded = decode_record(message.value(), limits, message.timestamp()[1] / 1000.0)
            if decoded.rejected:
                raise RuntimeError(f"All records must be accepted. One is not: {decoded.rejected[0].reason}")
            executions += decoded.executions
        yield executions
