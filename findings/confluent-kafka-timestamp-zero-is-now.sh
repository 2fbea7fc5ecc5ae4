#!/usr/bin/env bash
# A record that is dated 0 (1 January 1970) is sent by confluent-kafka as one of this very moment.
#
# version:  confluent-kafka 2.16.1, aiokafka 0.14.0
# expected: timestamp=0 is kept, as 1 and -1 are, and as aiokafka keeps it. A recording whose clock begins at 0 is
#           replayed with its own times.
# is:       0 stands for "none given" in librdkafka, so the first record of such a recording lies half a century after
#           the second, without an error.
# seen:     aiokafka:        [0, 1, 2000]
#           confluent-kafka: [1, 2000] and now
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile confluent-kafka==2.16.1 aiokafka==0.14.0
timeout 90 "$work/venv/bin/python" - <<'PY'
import asyncio
import sys
import time

import aiokafka
import confluent_kafka

WANTED = (0, 1, 2000)
now_ms = time.time() * 1000
producer = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})  # librdkafka's broker in this process
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
server = f"{broker.host}:{broker.port}"
for timestamp in WANTED:
    producer.produce("confluent-kafka", b"", timestamp=timestamp)
    producer.flush(10)


async def send_and_read(topic):
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=server)
    await producer.start()
    for timestamp in WANTED if topic == "aiokafka" else ():
        await producer.send_and_wait(topic, b"", timestamp_ms=timestamp, partition=0)
    await producer.stop()
    consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest")
    await consumer.start()
    kept = sorted([(await asyncio.wait_for(anext(consumer), 20)).timestamp for _ in WANTED])
    await consumer.stop()
    return kept


kept = {topic: asyncio.run(send_and_read(topic)) for topic in ("aiokafka", "confluent-kafka")}
dated_now = kept["confluent-kafka"][-1] >= now_ms - 1000
print("aiokafka:       ", kept["aiokafka"])
print("confluent-kafka:", kept["confluent-kafka"][:-1], "and", "now" if dated_now else kept["confluent-kafka"][-1])
sys.exit(0 if kept["aiokafka"] == [0, 1, 2000] and kept["confluent-kafka"][:2] == [1, 2000] and dated_now else 1)
PY
