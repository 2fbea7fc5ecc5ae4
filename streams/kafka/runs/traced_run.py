"""Runs that are traces of OpenTelemetry: one for each run, however many records it has."""

import time
from collections.abc import Sequence

from aiokafka import ConsumerRecord
from faust.types import TP
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer, set_span_in_context

from tracehound.streams.kafka.runs.run import Run


class TracedRun(Run):
    """A run that becomes a trace once it is acknowledged: what it waited for, and for how long.

    The span ``process TOPIC`` lasts from the fetch to the acknowledgement. Within it lie ``work`` (until its records
    were let go of), ``deliver`` (until Kafka had what they led to) and ``save`` (until it may be committed), as far as
    the agent tells them apart. Attributes are those of OpenTelemetry's conventions for Kafka.
    """

    __slots__ = ("_marks_ns", "_tracer")

    def __init__(self, tracer: Tracer, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        super().__init__(tp, records)
        self._tracer = tracer
        self._marks_ns: list[tuple[str, int]] = [(str(len(records)), time.time_ns())]

    def release(self) -> None:
        """Let go of the records."""
        super().release()
        self._mark("work")

    def finish(self) -> None:
        """All records of the run are dealt with."""
        super().finish()
        self._mark("deliver")

    def ack(self) -> None:
        """The run need not be read again; the trace is told, once."""
        told = self.acked
        super().ack()
        if not told and self.outstanding:
            self._mark("save")
            self._tell()

    def _mark(self, what: str) -> None:
        self._marks_ns.append((what, time.time_ns()))

    def _tell(self) -> None:
        (count, begun_ns), *marks = self._marks_ns
        span = self._tracer.start_span(
            f"process {self.tp.topic}",
            Context(),
            SpanKind.CONSUMER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": self.tp.topic,
                "messaging.destination.partition.id": str(self.tp.partition),
                "messaging.batch.message_count": int(count),
                "messaging.kafka.offset": self.start,
            },
            start_time=begun_ns,
        )
        within, since_ns = set_span_in_context(span), begun_ns
        for what, until_ns in marks:
            child = self._tracer.start_span(what, within, start_time=since_ns)
            child.end(until_ns)
            since_ns = until_ns
        span.end(since_ns)
