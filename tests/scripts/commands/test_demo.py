import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.processes import running
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.removal import remove_topics
from tracehound.infra.kafka.topics import ensure_topics
from tracehound.schemas.topics import Topic
from tracehound.scripts.commands.demo import OPENING, demo_settings, demo_topics, opening_faults
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.targets import target_of, targets


def test_the_opening_has_different_faults_each_at_a_target_of_its_own() -> None:
    faults = opening_faults(1_000.0, None)

    assert len({fault.name for fault in faults}) == len(OPENING)
    assert len({fault.application for fault in faults}) == len(OPENING)
    for fault in faults:
        assert target_of(fault) in targets(fault.name, build_system(messages=True))


@pytest.mark.parametrize(("duration_s", "count"), [(60.0, 6), (35.0, 4), (10.0, 0)])
def test_a_fault_is_injected_only_if_time_is_left_to_detect_it(duration_s: float, count: int) -> None:
    assert len(opening_faults(1_000.0, duration_s)) == count


def processes(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except (OSError, ValueError):
            continue
        if marker.encode() in command and process.name != str(os.getpid()):
            found.append(process.name)
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by Linux' /proc")
@pytest.mark.parametrize("via", ["kafka", "http"])
def test_an_interrupted_demo_leaves_no_processes_and_files(tmp_path: Path, via: str) -> None:
    marker = f"DEMO_TEST={tmp_path}"
    command = [sys.executable, "-m", "tracehound.scripts.cli", "demo", "--via", via]
    port = {"TRACEHOUND_CONSOLE__PORT": str(*free_ports(1))}  # others try demos meanwhile, each at the usual one
    environment = {**os.environ, "DEMO_TEST": str(tmp_path), "TMPDIR": str(tmp_path), **port}
    with running(command, env=environment, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        told: list[str] = []
        for line in process.stdout:
            if line.startswith("sending the past"):
                break
            told.append(line)
        assert any("Executions go to the gateway at" in line for line in told) == (via == "http")
        assert len(processes(marker)) > 2

        process.send_signal(signal.SIGINT)
        said = process.stdout.read()

        assert process.wait(120) == 0
    assert "Ended; nothing is left behind." in said
    deadline_s = time.monotonic() + 120
    while processes(marker) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert processes(marker) == []
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_stays_is_left_as_it_was(kafka: Broker) -> None:
    """Whatever else is on it: above all the Collector's topic, which has no prefix."""
    external = Broker(kafka.bootstrap_servers, "external", kafka.brokers, None, kafka.client_config)
    others = "otlp_spans"
    ensure_topics(kafka.client_config, [Topic(others, None, 1, 3_600_000, "OTLP", foreign=True)], 1)
    producer = Producer(kafka.client_config)
    producer.produce(others, b"spans of a customer")
    assert producer.flush(120) == 0
    admin = AdminClient(kafka.client_config)
    before = set(admin.list_topics(timeout=120).topics)
    settings = demo_settings(external)

    with demo_topics(external, settings):
        made = set(admin.list_topics(timeout=120).topics) - before
        consumer = Consumer({**kafka.client_config, "group.id": settings.group_id, "auto.offset.reset": "earliest"})
        consumer.subscribe([settings.topics.executions.name])
        while not consumer.assignment():
            consumer.poll(0.1)
        consumer.commit(offsets=[TopicPartition(settings.topics.executions.name, 0, 0)], asynchronous=False)
        consumer.close()

    assert made == {topic.name for topic in settings.topics.all()}
    assert {name for name in made if not name.startswith(settings.topic_prefix)} == set()
    deadline = time.monotonic() + 120.0  # brokers take topics away a while after they have said so
    while (left := set(admin.list_topics(timeout=120).topics)) & made and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == before | {"__consumer_offsets"}
    groups = {group.group_id for group in admin.list_consumer_groups().result().valid}
    assert not {name for name in groups if name.startswith(settings.group_id)}


def test_only_topics_of_the_own_prefix_can_be_removed() -> None:
    for topics, prefix in ((["mine.a", "otlp_spans"], "mine."), (["a"], "")):
        with pytest.raises(ValueError, match="must begin with a prefix of ours"):
            remove_topics("127.0.0.1:1", topics, prefix)
