"""Prometheus metrics of an intake worker, all in one registry that is handed in."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tracehound.streams.intake.assembly.queues import Waits
from tracehound.streams.intake.closing import Closing
from tracehound.streams.intake.join_rules import CLOSE_REASONS, CloseReason
from tracehound.streams.intake.read_source import SourceReading

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class IntakeMetrics:
    """Everything that an intake worker counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.records = Counter("tracehound_intake_records", "Records read", ["topic"], registry=registry)
        self.spans = Counter("tracehound_intake_spans", "Spans and native executions read", registry=registry)
        self.traces_closed = Counter("tracehound_traces_closed", "Traces closed", ["reason"], registry=registry)
        self.late_spans = Counter(
            "tracehound_late_spans",
            "Spans that came after their trace was closed or their execution told",
            registry=registry,
        )
        self.orphan_spans = Counter(
            "tracehound_orphan_spans",
            "Inner spans whose parent never came, so that no execution begins with them",
            registry=registry,
        )
        self.unfinished_spans = Counter(
            "tracehound_unfinished_spans", "Spans left out because they have no end", registry=registry
        )
        self.repeated_spans = Counter(
            "tracehound_repeated_spans", "Spans that came again, or another attempt under one id", registry=registry
        )
        self.clipped_calls = Counter(
            "tracehound_clipped_calls",
            "Calls whose callee's span ended after the caller's, so that the whole call is the callee's time",
            registry=registry,
        )
        self.queue_waits = Counter(
            "tracehound_queue_waits",
            "Messages taken by what is known of their time in the queue: measured, clipped (below 0) or unknown",
            ["known"],
            registry=registry,
        )
        self.formats = Counter(
            "tracehound_span_records", "Records of spans by what they were recognised as", ["format"], registry=registry
        )
        self.skipped_records = Counter(
            "tracehound_skipped_records",
            "Records of other signals, and of other formats that were not told one by one",
            registry=registry,
        )
        self.executions = Counter("tracehound_joined_executions", "Executions emitted", registry=registry)
        self.dead_letters = Counter("tracehound_dead_letters", "Records refused", ["error"], registry=registry)
        self.forwarded = Counter("tracehound_forwarded", "Records written to keyed topics", registry=registry)
        self.offsets_lost = Counter(
            "tracehound_offsets_lost", "Records that Kafka deleted before they were read", registry=registry
        )
        self.checkpoints = Counter("tracehound_join_checkpoints", "Checkpoints of the join", registry=registry)
        self.checkpoint_bytes = Counter(
            "tracehound_join_checkpoint_bytes", "Bytes of checkpoints of the join", registry=registry
        )
        self.checkpoint_seconds = Histogram(
            "tracehound_join_checkpoint_seconds", "Time of one checkpoint", registry=registry, buckets=_SECONDS
        )
        self.decode_seconds = Histogram(
            "tracehound_intake_decode_seconds", "Time to decode one run of records", registry=registry, buckets=_SECONDS
        )
        self.join_seconds = Histogram(
            "tracehound_join_seconds", "Time to join one run of records", registry=registry, buckets=_SECONDS
        )
        self._of_reason = {reason: self.traces_closed.labels(reason=reason) for reason in CLOSE_REASONS}

    def count_closings(self, closings: Sequence[Closing]) -> None:
        """Count closed traces, and the spans in them that came late or lead to nothing."""
        executions = late = orphans = repeated = clipped = 0
        reasons: dict[CloseReason, int] = {}
        known = Waits()
        for closing in closings:  # (in one pass: it is done for every record)
            made = closing.assembled
            if closing.reason != "running":
                reasons[closing.reason] = reasons.get(closing.reason, 0) + 1
            executions += len(made.executions) + closing.written
            late += closing.spans if closing.late else closing.outlasting
            orphans += made.orphans
            repeated += made.repeated
            clipped += closing.clipped
            known.add(made.waits)
        for counter, count in (
            (self.executions, executions),
            (self.late_spans, late),
            (self.orphan_spans, orphans),
            (self.repeated_spans, repeated),
            (self.clipped_calls, clipped),
        ):
            if count:
                counter.inc(count)
        for reason, count in reasons.items():
            self._of_reason[reason].inc(count)
        for name, count in (("measured", known.measured), ("clipped", known.clipped), ("unknown", known.unknown)):
            if count:
                self.queue_waits.labels(known=name).inc(count)

    def count_reading(self, reading: SourceReading) -> None:
        """Count what records of the sources held."""
        self.spans.inc(reading.spans)
        self.unfinished_spans.inc(reading.unfinished)
        self.skipped_records.inc(reading.skipped)
        for name, count in reading.formats.items():
            self.formats.labels(format=name or "none").inc(count)


class BufferCollector(Collector):
    """Gauges of the open traces and of what waits, read when Prometheus asks.

    Parameters:
        buffered: open traces, their spans and bytes.
        waiting: records that wait, by topic.
        watermarks_ms: the watermark of the join, by partition of the spans topic, epoch milliseconds.
        clock: wall time in epoch seconds.
    """

    def __init__(
        self,
        buffered: Callable[[], tuple[int, int, int]],
        waiting: Callable[[], Mapping[str, int]],
        watermarks_ms: Callable[[], Mapping[int, float]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._buffered = buffered
        self._waiting = waiting
        self._watermarks_ms = watermarks_ms
        self._clock = clock

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration: the app has not started then."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges as of now."""
        names = ("tracehound_open_traces", "tracehound_open_spans", "tracehound_join_buffer_bytes")
        about = ("Traces not yet closed", "Spans of traces not yet closed", "Memory of traces not yet closed")
        for name, text, value in zip(names, about, self._buffered(), strict=True):
            yield GaugeMetricFamily(name, text, value=value)
        waiting = GaugeMetricFamily("tracehound_intake_lag_records", "Records still to be read", labels=["topic"])
        for topic, count in sorted(self._waiting().items()):
            waiting.add_metric([topic], count)
        yield waiting
        behind = GaugeMetricFamily(
            "tracehound_join_behind_seconds", "Time since the watermark of the join", labels=["partition"]
        )
        now_s = self._clock()
        for partition, mark_ms in sorted(self._watermarks_ms().items()):
            if mark_ms > 0:
                behind.add_metric([str(partition)], max(0.0, now_s - mark_ms / 1000.0))
        yield behind
