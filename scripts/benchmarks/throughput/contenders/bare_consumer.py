"""What the two bare contenders share: a confluent-kafka consumer and our codec, and nothing around them."""

import gc
from collections.abc import Iterator, Sequence

from confluent_kafka import Consumer, Message

from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution, ExecutionHead
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.scoring.read_columns import ColumnReader

_RECORDS = 5_000
_GC_THRESHOLDS = (100_000, 20, 50)  # the worker's: with the default of 700 collections take a third of the time


def decoded_batches(bootstrap: str, topic: str, group: str) -> Iterator[Sequence[ExecutionHead]]:
    """What there is in the topic, decoded and checked as the worker does; waits for more, without end.

    Raises:
        RuntimeError: the consumer met an error, or a record is refused.
    """
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    reader = ColumnReader(Limits())
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.freeze()
    while True:
        messages = consumer.consume(_RECORDS, 0.05)
        for message in messages:
            if message.error() is not None:
                raise RuntimeError(f"The consumer must read {topic}. It says: {message.error()}.")
        yield _decoded(messages, reader) if messages else []


def _decoded(messages: list[Message], reader: ColumnReader) -> Sequence[ExecutionHead]:
    """Together where that is possible, as in the worker."""
    times_s = [message.timestamp()[1] / 1000.0 for message in messages]
    read = reader.read([message.value() for message in messages], min(times_s))
    if read is not None:
        return read.executions
    executions: list[Execution] = []
    for message, time_s in zip(messages, times_s, strict=True):
        decoded = decode_record(message.value(), Limits(), time_s)
        if decoded.rejected:
            raise RuntimeError(f"All records must be accepted. One is not: {decoded.rejected[0].reason}")
        executions += decoded.executions
    return executions
