#!/usr/bin/env bash
# SkyWalking's agent for Python puts a semicolon after every character of a Kafka broker's address.
#
# version:  PyPI apache-skywalking 1.2.0, kafka-python 2.3.0
# expected: the peer of the exit span of a send is the broker's address.
# is:       the agent joins bootstrap_servers by ";", and where that is given as one text, as it may be, joins its
#           characters. The topology then has a node of that name beside the real one.
# seen:     bootstrap_servers as text: peer 1;2;7;.;0;.;0;.;1;:;P;O;R;T
#           as a list:                 peer 127.0.0.1:PORT
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile apache-skywalking==1.2.0 kafka-python==2.3.0 confluent-kafka==2.16.1
timeout 90 "$work/venv/bin/python" - 2> /dev/null <<'PY'
import os
import sys

import confluent_kafka
from skywalking import agent, config

mock = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})  # librdkafka's broker in this process
broker = next(iter(mock.list_topics(timeout=10).brokers.values()))
server = f"{broker.host}:{broker.port}"
config.init(agent_collector_backend_services="127.0.0.1:1", agent_name="shop")  # nobody listens there
agent.start()

import kafka  # noqa: E402 (after the agent, which wraps it)
from skywalking.trace.context import get_context  # noqa: E402


def peer(servers):
    producer = kafka.KafkaProducer(bootstrap_servers=servers)
    with get_context().new_local_span("work") as span:
        producer.send("orders", b"one").get(timeout=10)
        segment = span.context.segment
    producer.close()
    return next(span.peer for span in segment.spans if span.op == "Kafka/orders/Producer")


as_text, as_list = peer(server), peer([server])
print(f"bootstrap_servers as text: peer {as_text}")
print(f"as a list:                 peer {as_list}")
sys.stdout.flush()
os._exit(0 if as_text == ";".join(server) and as_list == server else 1)  # the agent's threads go on trying
PY
