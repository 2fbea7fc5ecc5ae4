from click.testing import CliRunner

from tracehound.infra.kafka.broker import Broker
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
