#!/usr/bin/env bash
# One record that is dated more than an hour ahead takes all records of its batch with it.
#
# version:  Apache Kafka 4.3.1; confluent-kafka 2.16.1, aiokafka 0.14.0
# expected: the broker refuses the record whose date it does not accept (message.timestamp.after.max.ms, one hour by
#           default), and keeps its neighbours.
# is:       the whole batch is refused with INVALID_TIMESTAMP, which no retry mends: one host whose clock is wrong
#           loses records of every application that the same producer sends for. All that the callbacks say is the same
#           for all.
# seen:     confluent-kafka: before INVALID_TIMESTAMP, ahead INVALID_TIMESTAMP, after INVALID_TIMESTAMP
#           aiokafka: before InvalidTimestampError, ahead InvalidTimestampError, after InvalidTimestampError
#           records in the topic: 0
set -euo pipefail
work=$(mktemp -d)
trap '{ kill -KILL ${broker:-} && wait; } 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile confluent-kafka==2.16.1 aiokafka==0.14.0

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
import asyncio
import sys
import time

import aiokafka
import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

server = {"bootstrap.servers": sys.argv[1], "log_level": 0}
admin = AdminClient(server)
admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
now_ms = int(time.time() * 1000)
dated = {"before": now_ms, "ahead": now_ms + 2 * 3_600_000, "after": now_ms}

told = {}
producer = confluent_kafka.Producer({**server, "linger.ms": 1000})
for value, timestamp in dated.items():
    producer.produce(
        "orders",
        value,
        timestamp=timestamp,
        on_delivery=lambda error, message: told.update({message.value().decode(): error and error.name()}),
    )
producer.flush(30)
print("confluent-kafka:", ", ".join(f"{value} {told[value]}" for value in dated))


async def send():
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=sys.argv[1], linger_ms=1000)
    await producer.start()
    sent = [await producer.send("orders", value.encode(), timestamp_ms=timestamp) for value, timestamp in dated.items()]
    results = await asyncio.gather(*sent, return_exceptions=True)
    await producer.stop()
    return [type(result).__name__ for result in results]


errors = asyncio.run(send())
print("aiokafka:", ", ".join(f"{value} {error}" for value, error in zip(dated, errors)))
consumer = confluent_kafka.Consumer({**server, "group.id": "finding"})
_, kept = consumer.get_watermark_offsets(confluent_kafka.TopicPartition("orders", 0), timeout=10)
print("records in the topic:", kept)
refused = set(told.values()) == {"INVALID_TIMESTAMP"} and set(errors) == {"InvalidTimestampError"}
sys.exit(0 if refused and kept == 0 else 1)
PY
