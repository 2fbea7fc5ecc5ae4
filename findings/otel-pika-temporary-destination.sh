#!/usr/bin/env bash
# With pika's instrumentation every message goes to a temporary queue, also one to "orders".
#
# version:  opentelemetry-instrumentation-pika 0.66b1, pika 1.3.2 (the same in opentelemetry-instrumentation-aio-pika)
# expected: messaging.temp_destination is not set, or false, for a message that is published to the queue "orders".
# is:       it is true for every message that is published, and for none that is received.
# seen:     orders send: temp_destination True
#           orders receive: temp_destination None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile opentelemetry-sdk==1.45.1 \
  opentelemetry-instrumentation-pika==0.66b1 pika==1.3.2
timeout 60 "$work/venv/bin/python" - <<'PY'
import sys
from types import SimpleNamespace

from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))


class Channel(BlockingChannel):
    """A channel without a broker: what is published is delivered at once to who consumes."""

    connection = SimpleNamespace(params=SimpleNamespace(host="127.0.0.1", port=5672))

    def __init__(self):
        self._consumer_infos = {}

    def basic_consume(self, queue, on_message_callback, consumer_tag="one"):
        self._consumer_infos[consumer_tag] = SimpleNamespace(on_message_callback=on_message_callback)

    def basic_publish(self, exchange, routing_key, body, properties=None, mandatory=False):
        for consumer in self._consumer_infos.values():
            method = Basic.Deliver(exchange=exchange, routing_key=routing_key)
            consumer.on_message_callback(self, method, properties, body)


channel = Channel()
PikaInstrumentor().instrument_channel(channel, tracer_provider=provider)
channel.basic_consume("orders", on_message_callback=lambda *_: None)
channel.basic_publish("", "orders", b"one")
said = {span.name: span.attributes.get("messaging.temp_destination") for span in exporter.get_finished_spans()}
for name in sorted(said, reverse=True):
    print(f"{name}: temp_destination {said[name]}")
sys.exit(0 if said == {"orders send": True, "orders receive": None} else 1)
PY
