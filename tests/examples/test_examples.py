"""The examples do what they say, each with its own ordinary client, on a real Apache Kafka."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Consumer, Message, Producer

from tests.checkout import PROJECT
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics

EXAMPLES = PROJECT / "examples"
PARTITIONS = 7
SHOPS_PARTITION = 0
"""murmur2 of "shop", modulo seven."""
_BUILD_S, _RUN_S = 240, 60


@pytest.fixture
def topics(kafka: Broker, prefix: str) -> Topics:
    made = Topics(prefix, PARTITIONS)
    kafka.create_topics(made)
    return made


@pytest.fixture
def first_record(kafka: Broker) -> Iterator[Callable[[str], Message]]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "examples-test", "auto.offset.reset": "earliest"}
    )

    def read(topic: str) -> Message:
        consumer.subscribe([topic])
        message = consumer.poll(_RUN_S)
        assert message is not None
        assert message.error() is None
        return message

    yield read
    consumer.close()


def run(command: list[str], folder: Path, timeout_s: float, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=timeout_s
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("language", "programs", "build", "publish"),
    [
        ("python", (), [], [sys.executable, "publish.py"]),
        ("node", ("node", "npm"), ["npm", "install", "--no-audit", "--no-fund"], ["node", "publish.mjs"]),
        ("java", ("mvn",), ["mvn", "-q", "-B", "compile"], ["mvn", "-q", "-B", "exec:java"]),
        ("go", ("go",), ["go", "build", "-o", "publish", "."], ["./publish"]),
    ],
)
def test_what_an_example_publishes_is_accepted_where_it_belongs(
    language: str,
    programs: tuple[str, ...],
    build: list[str],
    publish: list[str],
    kafka: Broker,
    topics: Topics,
    first_record: Callable[[str], Message],
    real_program: Callable[..., str],
    tmp_path: Path,
) -> None:
    for program in programs:
        real_program(program)
    folder = tmp_path / language
    shutil.copytree(EXAMPLES / language, folder, ignore=shutil.ignore_patterns("node_modules", "target"))
    if build:
        run(build, folder, _BUILD_S)
    run(publish, folder, _RUN_S, KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers, TOPIC=topics.executions.name)

    record = first_record(topics.executions.name)
    assert record.key() == b"shop"
    assert record.partition() == SHOPS_PARTITION
    decoded = decode_record(record.value(), Limits(), record.timestamp()[1] / 1000)
    assert decoded.rejected == []
    assert [(one.application, one.operation, one.duration_ms) for one in decoded.executions] == [
        ("shop", "GET /cart", 120.5)
    ]


def test_the_consumer_drops_what_comes_again(kafka: Broker, topics: Topics) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for number in (1, 2, 1, 3):
        event = {"id": str(number), "data": {"severity": "major", "reason": f"No. {number}."}}
        producer.produce(topics.anomalies.name, json.dumps(event), key="shop")
    assert producer.flush(_RUN_S) == 0
    consumer = subprocess.Popen(
        [sys.executable, "consume.py"],
        cwd=EXAMPLES / "python",
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "TOPIC": topics.anomalies.name},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert consumer.stdout is not None
        assert [consumer.stdout.readline() for _ in range(3)] == [f"major No. {number}.\n" for number in (1, 2, 3)]
    finally:
        consumer.kill()
        consumer.communicate()


def test_the_collectors_configuration_writes_where_intake_reads() -> None:
    exporter = yaml.safe_load((EXAMPLES / "collector/config.yaml").read_text())["exporters"]["kafka"]
    assert [topic.name for topic in Topics().otlp] == [exporter["traces"]["topic"]]
    assert exporter["producer"]["required_acks"] == "all"
