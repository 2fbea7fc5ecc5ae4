"""Turns one record of an input topic into records of the spans topic, one for each partition that it has traces for."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from zlib import crc32

import msgspec
from aiokafka import ConsumerRecord

from tracehound.schemas.dead_letter import FORMAT_HEADER, RESENT_HEADER, DeadLetter
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.rejection import Rejection
from tracehound.schemas.spans import SourceName, SpanBatch, TraceChunk
from tracehound.streams.delivery.foreign_records import ForeignRecords
from tracehound.streams.delivery.letters import failure_letter, letter_of, rejection_letter
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.decoded import PackedSpans
from tracehound.streams.intake.formats.otlp.columned import ColumnedDecoder
from tracehound.streams.intake.formats.otlp.packer import SpanPacker
from tracehound.streams.intake.logs.from_topics import LOGS, LogRequestReader
from tracehound.streams.intake.sent_messages import packed_ends, told_of
from tracehound.streams.kafka.bounded_batches import PACKED, packed_sentence
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.record_time import judged_at_s

SIGNAL_HEADER = "otelcol.signal"
"""Which signal a Collector's exporter put into a record (its setting ``signal_header``)."""
TRACES = "traces"
PART_BYTES = 500_000
"""A record of the spans topic is begun anew beyond this; a single trace's share may be larger."""
PARTS_PER_RECORD = 1_000
"""Sequence numbers that one source record may use."""

_encode = msgspec.msgpack.Encoder().encode
_Share = tuple[str, int, msgspec.Raw]


@dataclass(slots=True)
class SourceReading:
    """What records led to: records of the spans topic, dead letters, and how many spans there were.

    ``formats`` counts records by what they were recognised as, ``unfinished`` spans that were left out, ``skipped``
    records of other signals, and of other formats that were not told one by one. ``sent`` tells of messages that were
    sent (``streams.intake.sent_messages``).
    """

    outgoing: list[Outgoing] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    spans: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    skipped: int = 0
    sent: bytearray = field(default_factory=bytearray)


class SourceReader:
    """Reads records of all input topics of intake. Never raises for a record, whatever it holds.

    Parameters:
        traces_topic: the topic of native executions; all others hold spans, but for ``execution_topics``.
        spans_topic: where the records go that are made.
        partitions: how many partitions that has.
        limits: what a record of executions must keep.
        with_namespace: see ``SpanLimits``.
        schemas: of native executions that are not JSON.
        mapping: other names of their fields.
        clock: elapsed seconds.
        now: wall time in epoch seconds; the future of records without a time is judged by it.
        topic_id: gives the id of a topic that is read; empty where nobody knows.
        execution_topics: those of others, whose executions need not be of a trace.
        logs: reads OTLP logs among spans; None: they are told as another signal.
    """

    def __init__(
        self,
        traces_topic: str,
        spans_topic: str,
        partitions: int,
        limits: Limits,
        with_namespace: bool = True,
        schemas: RegisteredSchemas | None = None,
        mapping: FieldMapping | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        topic_id: Callable[[str], str] = lambda _: "",
        execution_topics: Collection[str] = (),
        logs: LogRequestReader | None = None,
    ) -> None:
        self._logs = logs
        self._topic_id = topic_id
        self._now = now
        self._traces_topic = traces_topic
        self._spans_topic = spans_topic
        self._partitions = partitions
        self._executions = ExecutionReader(replace(limits, by_trace=True), schemas, mapping)
        self._others_topics = frozenset(execution_topics)
        self._others_executions = ExecutionReader(limits, schemas, mapping)
        self._span_limits = SpanLimits(max_record_bytes=limits.max_record_bytes, with_namespace=with_namespace)
        self._columned = ColumnedDecoder(SpanPacker())
        self._foreign = ForeignRecords(clock)

    def read(self, record: ConsumerRecord, clock_ms: int, reading: SourceReading) -> None:
        """Add what ``record`` holds to ``reading``; ``clock_ms`` is its source's clock."""
        made = len(reading.outgoing)
        try:
            self._read(record, clock_ms, reading)
        except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be read)
            del reading.outgoing[made:]
            reading.dead_letters.append(failure_letter(record, record.value, "decode", error))

    def _read(self, record: ConsumerRecord, clock_ms: int, reading: SourceReading) -> None:
        if record.headers and (packed := packed_sentence(record.headers)) is not None:
            reading.dead_letters.append(letter_of(record, record.value, "decode", PACKED, packed))
            return
        packed_spans: PackedSpans | None = None
        if record.topic == self._traces_topic:
            traces, rejected = self._native(record, self._executions)
        elif record.topic in self._others_topics:
            traces, rejected = self._native(record, self._others_executions)
        else:
            said = _signal_of(record) if record.headers else TRACES
            if said == LOGS and self._logs is not None:
                self._read_logs(record, self._logs, reading)
                return
            if said != TRACES:
                reading.skipped += 1
                return
            known = _known_format(record) if record.headers else ""
            decoded = decode_spans(record.value, self._span_limits, known, self._columned)
            if decoded.signal == LOGS and self._logs is not None:
                self._read_logs(record, self._logs, reading)
                return
            traces, rejected, packed_spans = decoded.traces, decoded.rejected, decoded.packed
            reading.formats[decoded.format] += 1
            reading.unfinished += decoded.unfinished
        for refused in rejected:
            told = self._foreign.told(record, refused)
            if told is None:
                reading.skipped += 1
            else:
                reading.dead_letters.append(rejection_letter(record, told))
        shares: dict[int, list[_Share]] = {}
        if packed_spans is not None:
            reading.sent += packed_ends(packed_spans.sent)
            for share in packed_spans.traces:
                reading.spans += share[1]
                shares.setdefault(partition_of(share[0], self._partitions), []).append(share)
        for trace_id, chunk in traces.items():
            spans = len(chunk)
            reading.spans += spans
            reading.sent += told_of(trace_id, chunk)
            share = (trace_id, spans, msgspec.Raw(_encode(chunk)))
            shares.setdefault(partition_of(trace_id, self._partitions), []).append(share)
        source = (record.topic, record.partition)
        for partition, wanted in shares.items():
            self._write(source, record.offset, clock_ms, partition, wanted, reading)

    def _read_logs(self, record: ConsumerRecord, logs: LogRequestReader, reading: SourceReading) -> None:
        read = logs.read(record, self._now(), self._topic_id(record.topic))
        reading.formats["OTLP logs"] += 1
        reading.outgoing += read.outgoing
        reading.dead_letters += read.dead_letters

    def _native(self, record: ConsumerRecord, reader: ExecutionReader) -> tuple[dict[str, TraceChunk], list[Rejection]]:
        decoded = reader.decode(record.value, record.headers, judged_at_s(record, self._now()))
        by_trace: dict[str, list[Execution]] = {}
        for number, execution in enumerate(decoded.executions):
            # what is of no trace is alone in one of its own
            trace_id = execution.trace_id or f"{record.topic}/{record.partition}/{record.offset}/{number}"
            by_trace.setdefault(trace_id, []).append(execution)
        return {trace: TraceChunk([], executions) for trace, executions in by_trace.items()}, decoded.rejected

    def _write(
        self,
        source: SourceName,
        offset: int,
        clock_ms: int,
        partition: int,
        shares: list[_Share],
        reading: SourceReading,
    ) -> None:
        for part, some in enumerate(_parts(shares)):
            batch = SpanBatch(source, offset * PARTS_PER_RECORD + part, clock_ms, some, self._topic_id(source[0]))
            reading.outgoing.append(Outgoing(self._spans_topic, None, _encode(batch), partition=partition))


def _signal_of(record: ConsumerRecord) -> str:
    """The signal that a Collector says in a header that the record holds."""
    given = dict(record.headers).get(SIGNAL_HEADER)
    return TRACES if given is None else bytes(given).decode(errors="replace")


def _known_format(record: ConsumerRecord) -> str:
    """What a record was recognised as before parts of it were refused, and are sent again."""
    headers = dict(record.headers)
    return (headers.get(FORMAT_HEADER) or b"").decode(errors="replace") if RESENT_HEADER in headers else ""


def partition_of(trace_id: str, partitions: int) -> int:
    """The partition of the spans topic that a trace belongs to: CRC-32 of its id.

    Nobody else writes that topic, and Kafka's murmur2 takes ten times as long in Python.
    """
    return crc32(trace_id.encode()) % partitions


def _parts(shares: list[_Share]) -> list[list[_Share]]:
    if len(shares) == 1:
        return [shares]
    parts: list[list[_Share]] = [[]]
    size = 0
    for share in shares:
        if size + len(share[2]) > PART_BYTES and parts[-1] and len(parts) < PARTS_PER_RECORD:
            parts.append([])
            size = 0
        parts[-1].append(share)
        size += len(share[2])
    return parts
