#!/usr/bin/env bash
# Who commits "the last message" of a transactional topic has a lag of one for ever.
#
# version:  confluent-kafka 2.16.1, Apache Kafka 4.3.1
# expected: a group that has committed every message it was given has no lag.
# is:       the end of a transaction takes an offset of its own, which no consumer is ever given, and
#           commit(message=...) commits the offset after the message, which is that of the marker. Scalers and alerts on
#           lag see one record waiting until the next transaction. Committing the position avoids it.
# seen:     messages read 2 of 2; committed 2, end of the partition 3: lag 1
#           after a commit of the position: lag 0
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
admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
producer = confluent_kafka.Producer({**server, "transactional.id": "finding"})
producer.init_transactions()
producer.begin_transaction()
for value in (b"one", b"two"):
    producer.produce("orders", value)
producer.commit_transaction()

settings = {"group.id": "finding", "auto.offset.reset": "earliest", "enable.auto.commit": False}
consumer = confluent_kafka.Consumer({**server, **settings})
consumer.subscribe(["orders"])
read, until = 0, time.monotonic() + 60
while read < 2 and time.monotonic() < until:
    message = consumer.poll(1)
    if message is not None and not message.error():
        consumer.commit(message=message, asynchronous=False)
        read += 1
consumer.poll(3)  # beyond the marker, as far as there is anything

partition = confluent_kafka.TopicPartition("orders", 0)


def committed():
    return consumer.committed([partition], timeout=10)[0].offset


(_, end), by_message = consumer.get_watermark_offsets(partition, timeout=10), committed()
print(f"messages read {read} of 2; committed {by_message}, end of the partition {end}: lag {end - by_message}")
consumer.commit(offsets=consumer.position([partition]), asynchronous=False)
print(f"after a commit of the position: lag {end - committed()}")
sys.exit(0 if read == 2 and end - by_message == 1 and committed() == end else 1)
PY
