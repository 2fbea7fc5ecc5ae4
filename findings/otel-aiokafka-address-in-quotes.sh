#!/usr/bin/env bash
# The server.address that aiokafka's instrumentation writes is JSON: the address has quotes around it.
#
# version:  opentelemetry-instrumentation-aiokafka 0.66b1, aiokafka 0.14.0
# expected: server.address is a host, 127.0.0.1 here, with the port in server.port; at the worst "127.0.0.1:9092".
# is:       it is the JSON text of the setting bootstrap_servers: a text with quotes in it for one server given as
#           text, an array in brackets for a list. There is no server.port. A map of dependencies has a node with
#           quotes in its name.
# seen:     bootstrap_servers as text: server.address = "127.0.0.1:PORT", server.port: False
#           as a list:                 server.address = ["127.0.0.1:PORT"], server.port: False
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile opentelemetry-sdk==1.45.1 \
  opentelemetry-instrumentation-aiokafka==0.66b1 aiokafka==0.14.0 confluent-kafka==2.16.1
timeout 90 "$work/venv/bin/python" - <<'PY'
import asyncio
import json
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


async def told(servers):
    exporter.clear()
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    await producer.send_and_wait("orders", b"one")
    await producer.stop()
    attributes = exporter.get_finished_spans()[0].attributes
    return attributes["server.address"], "server.port" in attributes


as_text, text_port = asyncio.run(told(server))
as_list, list_port = asyncio.run(told([server]))
print(f"bootstrap_servers as text: server.address = {as_text.replace(str(broker.port), 'PORT')}, server.port: {text_port}")
print(f"as a list:                 server.address = {as_list.replace(str(broker.port), 'PORT')}, server.port: {list_port}")
sys.exit(0 if as_text == json.dumps(server) and as_list == json.dumps([server]) else 1)
PY
