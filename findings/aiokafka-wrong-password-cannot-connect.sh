#!/usr/bin/env bash
# A wrong password is reported by aiokafka as a broker that cannot be reached.
#
# version:  aiokafka 0.14.0, Apache Kafka 4.3.1
# expected: start() raises an authentication error, which no retry mends, and aiokafka has a class for it.
# is:       it raises KafkaConnectionError "Unable to bootstrap from ...", exactly as where nobody listens, and the
#           exception has neither cause nor context. The reason is only in its log, so supervisors retry for ever and
#           people look at the network.
# seen:     right password: connected
#           wrong password: KafkaConnectionError, cause None, context None
#           nobody listens: KafkaConnectionError, cause None, context None
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
listeners=SASL_PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="right" user_admin="right" user_alice="right";
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
import socket
import sys

import aiokafka

logging.disable()


async def outcome(server, password):
    producer = aiokafka.AIOKafkaProducer(
        bootstrap_servers=server,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="alice",
        sasl_plain_password=password,
    )
    try:
        for _ in range(30):
            try:
                await producer.start()
                return "connected"
            except aiokafka.errors.KafkaConnectionError as error:
                if password == "right":  # the broker is still starting
                    await asyncio.sleep(1)
                    continue
                return f"{type(error).__name__}, cause {error.__cause__}, context {error.__context__}"
    finally:
        await producer.stop()


with socket.create_server(("127.0.0.1", 0)) as closed_soon:
    nobody = "127.0.0.1:%d" % closed_soon.getsockname()[1]
right = asyncio.run(outcome(sys.argv[1], "right"))
wrong = asyncio.run(outcome(sys.argv[1], "wrong"))
none = asyncio.run(outcome(nobody, "wrong"))
print(f"right password: {right}\nwrong password: {wrong}\nnobody listens: {none}")
sys.exit(0 if right == "connected" and wrong == none == "KafkaConnectionError, cause None, context None" else 1)
PY
