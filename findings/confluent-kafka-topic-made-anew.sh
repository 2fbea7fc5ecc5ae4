#!/usr/bin/env bash
# A consumer whose topic is deleted and made anew skips the beginning of the new one, without an error.
#
# version:  confluent-kafka 2.16.1, Apache Kafka 4.3.1
# expected: topics have had ids since Kafka 2.8; a client whose topic has another id than before says so, or begins at
#           the start, as auto.offset.reset=earliest asks for where a position means nothing.
# is:       the position of the old topic is taken for one of the new. Where the new one is longer, reading goes on in
#           its middle: everything before is skipped, with no error, no event and no reset.
# seen:     old topic: 10 records read
#           new topic: 25 records sent, 15 read, the first of them new-10; errors: none
set -euo pipefail
work=$(mktemp -d)
trap '{ kill -KILL ${broker:-} && wait; } 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile confluent-kafka==2.16.1

# Apache Kafka 4.3.1: one node on loopback, its files in the temporary folder
cat > pom.xml <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
  </dependencies>
</project>
XML
timeout 600 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=jars > mvn.log 2>&1
read -r port controller < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))')
cat > server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
log.dirs=$work/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
java=(java -Xmx512m -XX:TieredStopAtLevel=1 -cp "jars/*")
timeout 60 "${java[@]}" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties > format.log 2>&1
"${java[@]}" kafka.Kafka server.properties > broker.log 2>&1 &
broker=$!
timeout 60 bash -c "until (: > /dev/tcp/127.0.0.1/$port) 2> /dev/null; do sleep 0.5; done"

timeout 120 venv/bin/python - "127.0.0.1:$port" <<'PY'
import sys
import time

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

server = {"bootstrap.servers": sys.argv[1], "log_level": 0}
admin = AdminClient(server)


def make_and_fill(records, word):
    for attempt in range(30):
        try:
            admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
            break
        except confluent_kafka.KafkaException:  # the deletion is under way
            time.sleep(0.2)
    producer = confluent_kafka.Producer(server)
    for number in range(records):
        producer.produce("orders", f"{word}-{number}")
    producer.flush(10)


def read(seconds):
    values, errors, until = [], [], time.monotonic() + seconds
    while time.monotonic() < until:
        message = consumer.poll(0.5)
        if message is not None:
            (errors if message.error() else values).append(message.error() or message.value().decode())
    return values, errors


make_and_fill(10, "old")
consumer = confluent_kafka.Consumer({**server, "group.id": "finding", "auto.offset.reset": "earliest"})
consumer.subscribe(["orders"])
old, _ = read(10)
print(f"old topic: {len(old)} records read")
admin.delete_topics(["orders"])["orders"].result()
make_and_fill(25, "new")
new, errors = read(20)
first = new[0] if new else None
print(f"new topic: 25 records sent, {len(new)} read, the first of them {first}; errors: {errors or 'none'}")
sys.exit(0 if len(old) == 10 and first == "new-10" and len(new) == 15 and not errors else 1)
PY
