"""A file of executions, written to Kafka once for the workers that try settings on it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from confluent_kafka import KafkaError, Message, Producer

from tracehound.infra.kafka.topics import check_there
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.scripts.commands.announcing import FLUSH_S
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.kafka.clients import admin_config, producer_config
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.scoring.tuning.recorded import Recorded
from tracehound.streams.settings.settings import Settings


@dataclass(slots=True)
class FileOfExecutions:
    """Lines of a file as records, judged as workers judge them.

    Parameters:
        settings: the limits, and how records are read.
        key: whose executions are wanted.
        now_s: epoch seconds.

    ``found`` counts the executions of ``key``, ``others`` those that are not.
    """

    settings: Settings
    key: ApplicationKey
    now_s: float
    found: int = 0
    others: int = 0

    def records(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Lines that hold any execution of the application.

        Raises:
            TracehoundError: a line is none; the message says which, and why.
        """
        mapping = FieldMapping(self.settings.execution_fields)
        reader = ExecutionReader(self.settings.limits, RegisteredSchemas(self.settings.schemas_dir), mapping)
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            decoded = reader.decode(line, (), self.now_s)
            if decoded.rejected:
                raise TracehoundError(f"Line {number}: {printable(decoded.rejected[0].reason)}")
            wanted = sum((one.application, one.environment) == self.key for one in decoded.executions)
            self.found += wanted
            self.others += len(decoded.executions) - wanted
            if wanted:
                yield line


def write_recorded(settings: Settings, tuning: str, records: Iterable[bytes], now: Recorded) -> Recorded:
    """Write records for one tuning, in their order, and wait until the broker has all of them.

    Parameters:
        tuning: its id: the key of the records, by which those of others are told apart.
        now: where results will be.

    Returns:
        ``now`` with where the records are.

    Raises:
        BrokerError: no broker answers, or it did not take a record.
        ConfigurationError: the topic is not there.
    """
    topic = settings.topics.recorded_executions
    check_there(admin_config(settings), topic, FLUSH_S)
    partition, offsets, failures = Partitioner(settings.partitions).partition_of(tuning), list[int](), list[str]()

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error.str())
        else:
            offsets.append(message.offset() or 0)

    producer = Producer(producer_config(settings))
    for record in records:
        while not failures:
            try:
                producer.produce(topic.name, record, tuning.encode(), partition, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(FLUSH_S)
    if failures or left:
        why = failures[0] if failures else f"no acknowledgement within {FLUSH_S:.0f} s"
        raise BrokerError(f"The broker at {settings.bootstrap_servers} did not take the file: {why}.")
    first, last = (min(offsets), max(offsets) + 1) if offsets else (0, 0)
    return replace(now, partition=partition, first=first, last=last)
