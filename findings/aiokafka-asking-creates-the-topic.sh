#!/usr/bin/env bash
# A topic that aiokafka's admin client is asked to describe is created by that, while it answers that there is none.
#
# version:  aiokafka 0.14.0 (confluent-kafka 2.16.1 for comparison), Apache Kafka 4.3.1 with its defaults
# expected: describing changes nothing; auto.create.topics.enable, on by default, is for producers.
# is:       describe_topics answers error 3 (unknown topic) and the topic is there afterwards, with one partition; so
#           it is after a consumer has asked for it, and no setting of aiokafka turns it off. A typing error becomes a
#           topic, and a check "does it exist?" is true the second time. confluent-kafka's describe_topics leaves it
#           alone.
# seen:     aiokafka: describe_topics says error 3; the topic exists afterwards: True
#           aiokafka: a consumer was started; the topic exists afterwards: True
#           confluent-kafka: describe_topics says UNKNOWN_TOPIC_OR_PART; the topic exists afterwards: False
set -euo pipefail
work=$(mktemp -d)
trap '{ kill -KILL ${broker:-} && wait; } 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile aiokafka==0.14.0 confluent-kafka==2.16.1

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
import logging
import sys
import time

import aiokafka
import confluent_kafka
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient

logging.disable()
server = sys.argv[1]
admin = AdminClient({"bootstrap.servers": server, "log_level": 0})


def exists(topic):
    time.sleep(2)
    return topic in admin.list_topics(timeout=10).topics


async def describe(topic):
    client = AIOKafkaAdminClient(bootstrap_servers=server)
    await client.start()
    (found,) = await client.describe_topics([topic])
    await client.close()
    return found["error_code"]


async def consume(topic):
    consumer = aiokafka.AIOKafkaConsumer(topic, bootstrap_servers=server)
    await consumer.start()
    await consumer.stop()


code = asyncio.run(describe("described"))
described = exists("described")
print(f"aiokafka: describe_topics says error {code}; the topic exists afterwards: {described}")
asyncio.run(consume("consumed"))
consumed = exists("consumed")
print(f"aiokafka: a consumer was started; the topic exists afterwards: {consumed}")
asked = confluent_kafka.TopicCollection(["left-alone"])
try:
    answer = admin.describe_topics(asked)["left-alone"].result()
except confluent_kafka.KafkaException as error:
    answer = error.args[0].name()
other = exists("left-alone")
print(f"confluent-kafka: describe_topics says {answer}; the topic exists afterwards: {other}")
sys.exit(0 if (code, described, consumed, other) == (3, True, True, False) else 1)
PY
