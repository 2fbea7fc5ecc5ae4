#!/usr/bin/env bash
# With aiokafka's instrumentation the work on a message is in another trace than the message.
#
# version:  opentelemetry-instrumentation-aiokafka 0.66b1, aiokafka 0.14.0
# expected: a span that is made in the body of "async for message in consumer" continues the trace that the producer
#           began, and the CONSUMER span lasts while the message is worked on.
# is:       the span "orders receive" is a child of the producer's, and is over before the body begins (0.1 ms). It is
#           not the current span there: what the body does is the root of a trace of its own, without a link.
# seen:     orders receive: trace of the producer, 0.04 ms
#           work: another trace, no parent, no links, 50 ms
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile opentelemetry-sdk==1.45.1 \
  opentelemetry-instrumentation-aiokafka==0.66b1 aiokafka==0.14.0 confluent-kafka==2.16.1
timeout 90 "$work/venv/bin/python" - <<'PY'
import asyncio
import sys

import aiokafka
import confluent_kafka
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
AIOKafkaInstrumentor().instrument(tracer_provider=provider)
mock = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})  # librdkafka's broker in this process
broker = next(iter(mock.list_topics(timeout=10).brokers.values()))
server = f"{broker.host}:{broker.port}"


async def send_and_work():
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=server)
    await producer.start()
    await producer.send_and_wait("orders", b"one")
    await producer.stop()
    consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=server, auto_offset_reset="earliest")
    await consumer.start()
    async for _ in consumer:
        with provider.get_tracer("finding").start_as_current_span("work"):
            await asyncio.sleep(0.05)
        break
    await consumer.stop()


asyncio.run(send_and_work())
spans = {span.name: span for span in exporter.get_finished_spans()}
sent, received, work = (spans[name] for name in ("orders send", "orders receive", "work"))
took = {span.name: (span.end_time - span.start_time) / 1e6 for span in (received, work)}
continued = received.context.trace_id == sent.context.trace_id
apart = work.context.trace_id != sent.context.trace_id and work.parent is None and not work.links
print(f"orders receive: {'trace of the producer' if continued else 'another trace'}, {took['orders receive']:.2f} ms")
print(f"work: {'another trace, no parent, no links' if apart else 'linked'}, {took['work']:.0f} ms")
sys.exit(0 if continued and apart and received.end_time < work.start_time else 1)
PY
