import os
import signal
import subprocess
import sys

import pytest

from tests.checkout import PROJECT
from tracehound.infra.kafka.broker import Broker


def start(*options: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "tracehound.infra.kafka", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, **variables},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_serves_and_ends_at_a_signal(number: signal.Signals) -> None:
    with start("--kind", "embedded", "--prefix", "mine.", "--partitions", "2") as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert "created mine.executions.v1: 2 partitions" in said
        assert "export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:" in said
        process.send_signal(number)
        assert process.wait() == 0


def test_a_broker_that_is_there_gets_its_topics_and_is_left_alone(kafka: Broker, prefix: str) -> None:
    options = ("--kind", "real", "--prefix", prefix, "--partitions", "1")
    with start(*options, KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers) as process:
        said, _errors = process.communicate()
    assert process.returncode == 0
    assert f"created {prefix}executions.v1: 1 partition," in said
    assert f"Using the broker at {kafka.bootstrap_servers}" in said


def test_what_cannot_be_is_said_without_a_traceback() -> None:
    with start("--kind", "embedded", "--port", "9092") as process:
        _said, errors = process.communicate()
    assert process.returncode == 1
    assert errors == "Error: The embedded broker chooses its port by itself. Got 'port' 9092.\n"
