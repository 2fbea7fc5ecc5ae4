import os
import subprocess
import sys

from click.testing import CliRunner

from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main


def test_topics_are_created_once_and_then_unchanged(kafka: Broker, prefix: str) -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TRACEHOUND_TOPIC_PREFIX": prefix,
        "TRACEHOUND_PARTITIONS": "2",
        "TRACEHOUND_INTAKE__OTLP_TOPICS": prefix + "otlp",
    }

    first, second = (CliRunner(env=environment).invoke(main, ["topics"]) for _ in range(2))

    for topic in Topics(prefix, 2, (prefix + "otlp",)).all():
        assert f"created {topic.name}: {topic.partitions} partition" in first.output
        assert f"unchanged {topic.name}" in second.output


def test_wrong_settings_are_named_and_end_a_command_with_status_2() -> None:
    result = CliRunner(env={"TRACEHOUND_PARTITIONS": "none"}).invoke(main, ["topics"])

    assert result.exit_code == 2
    assert "The setting 'partitions' is wrong" in result.stderr


def test_a_broker_that_does_not_answer_is_waited_for_and_that_is_said() -> None:
    result = CliRunner(env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).invoke(main, ["topics", "--wait", "4"])

    assert result.exit_code == 2
    waiting, error = result.stderr.splitlines()
    assert waiting == "No broker answers at 127.0.0.1:1 yet; waiting for up to 4 s."
    assert error.startswith("tracehound: No Kafka broker answers at 127.0.0.1:1 within 3 s: ")


def test_topics_of_a_broker_that_comes_late_are_created(broker_program: object, prefix: str) -> None:
    assert broker_program
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "TRACEHOUND_TOPIC_PREFIX": prefix,
        "TRACEHOUND_INTAKE__OTLP_TOPICS": "",
    }
    with (
        subprocess.Popen(
            [sys.executable, "-m", "tracehound", "topics"], env=environment, stdout=subprocess.PIPE, text=True
        ) as process,
        ApacheKafka(port=port),
    ):
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert f"created {prefix}executions.v1" in said
