#!/usr/bin/env bash
# What a Faust agent yields to a topic as its sink is sent without a key, even when it read records with keys.
#
# version:  faust-streaming 0.15.3, aiokafka 0.14.0
# expected: a result follows the key of the event it was made of, so that results of one key stay in one partition and
#           in order, as in Kafka Streams.
# is:       the record in the sink has no key; the producer spreads results over all partitions. A sink has no option
#           for it: keep the key by calling topic.send(key=..., value=...) yourself.
# seen:     read:    key b'shop' value b'one'
#           sent on: key None value b'result of one'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile faust-streaming==0.15.3 aiokafka==0.14.0 confluent-kafka==2.16.1
cat > application.py <<'PY'
import os

import faust

app = faust.App(
    "finding", broker=f"kafka://{os.environ['SERVER']}", web_enabled=False, consumer_auto_offset_reset="earliest",
    topic_allow_declare=False, topic_disable_leader=True,
)  # fmt: skip
orders, results = (app.topic(name, key_serializer="raw", value_serializer="raw") for name in ("orders", "results"))


@app.agent(orders, sink=[results])
async def work(stream):
    async for value in stream:
        yield b"result of " + value
PY
cat > finding.py <<'PY'
import os
import subprocess
import sys
import time

import confluent_kafka

producer = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})  # librdkafka's broker in this process
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
server = f"{broker.host}:{broker.port}"
producer.produce("orders", b"one", key=b"shop")
producer.produce("results", b"", key=b"so that the topic is there")
producer.flush(10)


def first(topic, beginning):
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": server, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    until = time.monotonic() + 60
    while time.monotonic() < until:
        record = consumer.poll(1)
        if record is not None and not record.error() and record.value().startswith(beginning):
            return record
    sys.exit(f"nothing came to {topic}")


worker = subprocess.Popen(
    [sys.executable, "-m", "faust", "-A", "application", "worker", "-l", "error"],
    env={**os.environ, "SERVER": server}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)  # fmt: skip
try:
    read, sent = first("orders", b"one"), first("results", b"result")
finally:
    worker.kill()
print(f"read:    key {read.key()} value {read.value()}")
print(f"sent on: key {sent.key()} value {sent.value()}")
sys.exit(0 if read.key() == b"shop" and sent.key() is None else 1)
PY
timeout 150 venv/bin/python finding.py
