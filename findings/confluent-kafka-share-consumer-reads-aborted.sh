#!/usr/bin/env bash
# The ShareConsumer of confluent-kafka hands out records of aborted and of open transactions, its Consumer does not.
#
# version:  confluent-kafka 2.16.1, Apache Kafka 4.3.1
# expected: two readers of one library agree at their defaults on what was committed; librdkafka's default is
#           isolation.level=read_committed.
# is:       a share group reads uncommitted until an administrator sets share.isolation.level for the group; the
#           consumer refuses the setting isolation.level. Who moves a worker to a share group processes what was
#           undone.
# seen:     Consumer:      [b'kept']
#           ShareConsumer: [b'aborted', b'kept', b'still open']
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
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
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
admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()


def read(consumer, seconds):
    values, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        found = consumer.poll(0.5)  # one message or None from a Consumer, an iterable of them from a ShareConsumer
        found = [found] if isinstance(found, confluent_kafka.Message) else found or ()
        values.extend(message.error() or message.value() for message in found)
    return values


shared = confluent_kafka.ShareConsumer({**server, "group.id": "shared"})
shared.subscribe(["orders"])
read(shared, 10)  # a share group begins at the end of a topic as of when it joins

producer = confluent_kafka.Producer({**server, "transactional.id": "finding"})
producer.init_transactions()
producer.begin_transaction()
producer.produce("orders", b"aborted")
producer.flush()
producer.abort_transaction()
producer.begin_transaction()
producer.produce("orders", b"kept")
producer.commit_transaction()
producer.begin_transaction()
producer.produce("orders", b"still open")
producer.flush()

from_shared = read(shared, 8)
consumer = confluent_kafka.Consumer({**server, "group.id": "single", "auto.offset.reset": "earliest"})
consumer.subscribe(["orders"])
from_single = read(consumer, 8)
print("Consumer:     ", from_single)
print("ShareConsumer:", from_shared)
producer.abort_transaction()
sys.exit(0 if from_single == [b"kept"] and from_shared == [b"aborted", b"kept", b"still open"] else 1)
PY
