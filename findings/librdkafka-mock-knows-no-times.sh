#!/usr/bin/env bash
# The mock broker of librdkafka answers each question for the offset of a time as if nothing so late were there.
#
# version:  confluent-kafka 2.16.1 with its librdkafka 2.16.0
# expected: the first offset at or after the time, or an error that says that times are not looked up.
# is:       -1 without an error, whatever is asked: the answer that a real broker gives beyond the newest record. Code
#           that starts at a time then starts at the end, and a test on the mock broker passes with nothing read.
# seen:     stored: offset 0 at 1000 ms, offset 1 at 2000 ms, offset 2 at 3000 ms
#           offset of time 1000: -1, error None
#           offset of time 2000: -1, error None
#           offset of time 9000: -1, error None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile confluent-kafka==2.16.1
timeout 90 "$work/venv/bin/python" - <<'PY'
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
for timestamp in (1000, 2000, 3000):
    producer.produce("t", b"", timestamp=timestamp, partition=0)
producer.flush(10)
consumer = Consumer({"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "g", "log_level": 0})
consumer.assign([TopicPartition("t", 0, 0)])
stored = [consumer.poll(20) for _ in range(3)]
print("stored:", ", ".join(f"offset {one.offset()} at {one.timestamp()[1]} ms" for one in stored))
answers = [consumer.offsets_for_times([TopicPartition("t", 0, time)], timeout=10)[0] for time in (1000, 2000, 9000)]
for time, answer in zip((1000, 2000, 9000), answers):
    print(f"offset of time {time}: {answer.offset}, error {answer.error}")
consumer.close()
kept = [one.timestamp()[1] for one in stored] == [1000, 2000, 3000]
sys.exit(0 if kept and all((one.offset, one.error) == (-1, None) for one in answers) else 1)
PY
