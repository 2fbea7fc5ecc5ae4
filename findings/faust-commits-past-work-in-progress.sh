#!/usr/bin/env bash
# With concurrency=2 Faust commits beyond a record that is still being worked on; a crash then loses it.
#
# version:  faust-streaming 0.15.3, aiokafka 0.14.0
# expected: at-least-once: the committed offset stays at the oldest record that has not been acknowledged.
# is:       where exactly one record, the first after what is committed, is still in work, the gap it leaves is taken
#           for a hole in the log and stepped over. (Reported as issue 606 of faust-streaming; open when this was
#           seen.)
# seen:     record 1 is in work; done beside it: [2, 3, 4, 5, 6]; committed: 7
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile faust-streaming==0.15.3 aiokafka==0.14.0 confluent-kafka==2.16.1
cat > application.py <<'PY'
import asyncio
import os

import faust

app = faust.App(
    "finding", broker=f"kafka://{os.environ['SERVER']}", web_enabled=False, consumer_auto_offset_reset="earliest",
    topic_allow_declare=False, topic_disable_leader=True, broker_commit_interval=1.0,
)  # fmt: skip


@app.agent(app.topic("orders", key_serializer="raw", value_serializer="raw"), concurrency=2)
async def work(stream):
    async for value in stream:
        if value == b"1":
            print("began 1", flush=True)
            await asyncio.sleep(600)
        print(f"ended {value.decode()}", flush=True)
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
partition = confluent_kafka.TopicPartition("orders", 0)


def send(*values):
    for value in values:
        producer.produce("orders", value, partition=0)
    producer.flush(10)


def wait_for(wanted, what):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if wanted():
            return
        time.sleep(0.5)
    sys.exit(f"{what} did not come; {open('told').read()[-500:]}")


def committed():
    consumer = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": "finding", "log_level": 0})
    offset = consumer.committed([partition], timeout=10)[0].offset
    consumer.close()
    return offset


send("0")
worker = subprocess.Popen(
    [sys.executable, "-m", "faust", "-A", "application", "worker", "-l", "warn", "--without-web"],
    env={**os.environ, "SERVER": server}, stdout=open("told", "w"), stderr=subprocess.STDOUT,
)  # fmt: skip
try:
    wait_for(lambda: committed() == 1, "a commit of record 0")
    send("1", "2", "3", "4", "5", "6")
    wait_for(lambda: committed() > 1 or "ended 6" in open("told").read(), "the end of record 6")
    time.sleep(5)
    told, offset = open("told").read(), committed()
finally:
    worker.kill()
in_work = "began 1" in told and "ended 1" not in told
done = [number for number in range(2, 7) if f"ended {number}" in told]
print(f"record 1 is {'in work' if in_work else 'done'}; done beside it: {done}; committed: {offset}")
sys.exit(0 if in_work and offset > 1 else 1)
PY
timeout 200 venv/bin/python finding.py
