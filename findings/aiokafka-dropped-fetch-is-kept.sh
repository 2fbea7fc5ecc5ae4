#!/usr/bin/env bash
# A fetch of which aiokafka's consumer gave a part and dropped the rest is kept until Python looks for cycles.
#
# version:  aiokafka 0.14.0, Python 3.11, Apache Kafka 4.3.1 with its defaults
# expected: what a consumer drops (on a seek, or when a partition is revoked) is freed at once, as nothing uses it.
# is:       the reader of a fetch holds a generator that holds the reader, which only its end undoes; one that is dropped
#           in its midst, or before it began, is a cycle, with all bytes of the fetch. Where the collector of cycles
#           looks seldom (gc.freeze and raised thresholds, as servers have them; or few objects are made) they pile up:
#           megabytes for each seek.
# seen:     20 seeks after one record each: 20 fetches of 1.0 MB are kept, and 0 once cycles were looked for
set -euo pipefail
work=$(mktemp -d)
trap '{ kill -KILL ${broker:-} && wait; } 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile aiokafka==0.14.0

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
import gc
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords

SEEKS = 20
server = sys.argv[1]
partition = TopicPartition("numbers", 0)


def kept():
    """The fetches that live, and their megabytes."""
    found = [one for one in gc.get_objects() if isinstance(one, PartitionRecords)]
    return len(found), sum(one._records.size_in_bytes() for one in found) / 1e6


async def main():
    producer = AIOKafkaProducer(bootstrap_servers=server)
    await producer.start()
    for _ in range(150):
        await producer.send_and_wait(partition.topic, b"x" * 10_000, partition=0)
    await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers=server, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([partition])
    gc.collect()
    gc.disable()
    for _ in range(SEEKS):
        await consumer.seek_to_beginning(partition)
        await consumer.getone()
    await consumer.stop()
    del consumer
    count, megabytes = kept()
    gc.collect()
    left, _ = kept()
    return count, megabytes / count, left


count, each, left = asyncio.run(main())
print(f"{SEEKS} seeks after one record each: {count} fetches of {each:.1f} MB are kept, and {left} once cycles were looked for")
sys.exit(0 if count == SEEKS and left == 0 else 1)
PY
