"""One trace for each run, told once, when it is acknowledged and still counts."""

from aiokafka import ConsumerRecord
from faust.types import TP
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tracehound.streams.kafka.runs.handover import Handover
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.kafka.runs.traced_run import TracedRun

PLACE = TP("executions", 3)
RECORDS = [ConsumerRecord(*PLACE, offset, 0, 0, None, b"", None, -1, -1, ()) for offset in (7, 8, 9)]


class Traced:
    """A handover whose runs are traced, and the spans that were told."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        tracer = provider.get_tracer("test")
        self.handover = Handover(lambda tp, records: TracedRun(tracer, tp, records))

    def run(self) -> Run:
        found = self.handover.new_run(PLACE, RECORDS)
        assert found is not None
        return found

    def told(self) -> list[ReadableSpan]:
        return list(self._spans.get_finished_spans())


def test_a_run_is_one_trace_of_what_it_waited_for() -> None:
    traced = Traced()
    run = traced.run()
    run.release()
    run.finish()
    assert traced.told() == []
    run.ack()
    *parts, whole = traced.told()
    assert [part.name for part in parts] == ["work", "deliver", "save"]
    assert (whole.name, whole.parent) == ("process executions", None)
    assert {part.parent and part.parent.span_id for part in parts} == {whole.context.span_id}
    assert (parts[0].start_time, parts[-1].end_time) == (whole.start_time, whole.end_time)
    assert whole.attributes is not None
    assert whole.attributes["messaging.batch.message_count"] == len(RECORDS)
    assert whole.attributes["messaging.kafka.offset"] == RECORDS[0].offset
    assert traced.handover.processed() == run.end


def test_a_run_is_told_once() -> None:
    traced = Traced()
    run = traced.run()
    run.ack()
    run.ack()
    assert [span.name for span in traced.told()] == ["save", "process executions"]


def test_a_run_that_counts_no_more_is_not_told() -> None:
    traced = Traced()
    run = traced.run()
    traced.handover.give_up()
    run.ack()
    assert traced.told() == []
