"""OTLP logs on the topics that intake reads, as log events on theirs."""

from dataclasses import dataclass, field
from typing import Final

from aiokafka import ConsumerRecord

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.rejection import RecordError
from tracehound.streams.delivery.letters import letter_of
from tracehound.streams.intake.formats.unpack import unpacked_spans
from tracehound.streams.intake.logs.otlp import decode_log_request
from tracehound.streams.intake.logs.records import complete, log_records, numbered
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.record_time import judged_at_s

LOGS: Final = "logs"
"""What OpenTelemetry calls this signal."""


@dataclass(slots=True)
class LogsOfRecord:
    """What a record of OTLP logs led to: records of log events, and what is wrong with any of it."""

    outgoing: list[Outgoing] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)


class LogRequestReader:
    """Reads records of OTLP logs.

    The ids of the events follow from where the record was: one that is read again after a crash counts once.

    Parameters:
        topic, partitions: of log events.
        application: whose those are that say none.
        limits: what each event must keep.
        with_namespace: see ``streams.intake.conventions.resources.resource_of``.
    """

    def __init__(self, topic: str, partitions: int, application: str, limits: Limits, with_namespace: bool) -> None:
        self._topic, self._application, self._limits = topic, application, limits
        self._with_namespace = with_namespace
        self._partitioner = Partitioner(partitions)

    def read(self, record: ConsumerRecord, now_s: float, topic_id: str) -> LogsOfRecord:
        """The log events of a record. What is wrong with single ones is told with all of its bytes.

        Parameters:
            now_s: wall time in epoch seconds; the time of a record that has none.
            topic_id: of the topic that it was read from; empty where nobody knows.
        """
        value = record.value or b""
        at_s = judged_at_s(record, now_s)
        events, rejected, reasons = [], 0, []
        try:
            content = unpacked_spans(value, self._limits.max_record_bytes)
            for request in split_array(content) if content.lstrip(BLANK)[:1] == b"[" else [content]:
                decoded = decode_log_request(request, self._limits, at_s, self._with_namespace)
                events += decoded.events
                rejected += decoded.rejected
                reasons += decoded.reasons
        except RecordError as error:
            reason = error.sentence[0].upper() + error.sentence[1:]
            return LogsOfRecord(dead_letters=[letter_of(record, record.value, "validate", error.error, reason)])
        except ValueError as error:
            reason = f"The array is malformed: {error}."
            return LogsOfRecord(dead_letters=[letter_of(record, record.value, "validate", "InvalidJson", reason)])
        complete(events, self._application, numbered(f"{topic_id}/{record.topic}/{record.partition}/{record.offset}"))
        read = LogsOfRecord()
        for application, packed in log_records(events):
            target = self._partitioner.partition_of(application)
            read.outgoing.append(Outgoing(self._topic, application.encode(), packed, (), target))
        if rejected:
            reason = f"{' '.join(reasons)} {len(events)} others of the record were taken, {rejected} were not."
            read.dead_letters.append(letter_of(record, record.value, "validate", "InvalidField", reason))
        return read
