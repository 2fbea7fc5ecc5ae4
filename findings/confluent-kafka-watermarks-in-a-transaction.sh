#!/usr/bin/env bash
# While a transaction is open, confluent-kafka gives two answers for the end of a partition.
#
# version:  confluent-kafka 2.16.1, Apache Kafka 4.3.1
# expected: get_watermark_offsets(partition, cached=True) is the same figure as without cached, only older.
# is:       the query asks for the end of what is committed, the cached figure is the end of the log. Lag computed from
#           the one is 0, from the other it is what the open transaction holds back, and it jumps when that ends.
# seen:     transaction open: query (0, 0), cached (0, 2)
#           committed:        query (0, 3), cached (0, 3)
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
producer.flush()
partition = confluent_kafka.TopicPartition("orders", 0, 0)
consumer = confluent_kafka.Consumer({**server, "group.id": "finding"})
consumer.assign([partition])


def ends():
    until = time.monotonic() + 5
    while time.monotonic() < until:  # so that a fetch brings the cached figure up to date
        consumer.poll(0.5)
    return consumer.get_watermark_offsets(partition), consumer.get_watermark_offsets(partition, cached=True)


during = ends()
print("transaction open: query %s, cached %s" % during)
producer.commit_transaction()
after = ends()
print("committed:        query %s, cached %s" % after)
sys.exit(0 if during == ((0, 0), (0, 2)) and after == ((0, 3), (0, 3)) else 1)
PY
