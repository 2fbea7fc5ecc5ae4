import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tests.processes import running
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports


def start(*options: str, **variables: str) -> AbstractContextManager["subprocess.Popen[str]"]:
    command = [sys.executable, "-u", "-m", "tracehound.infra.kafka", *options]
    return running(command, cwd=PROJECT, env={**os.environ, **variables})


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
    assert f"A broker answers at {kafka.bootstrap_servers}" in said
    assert "nothing was started" in said


def test_it_starts_where_the_variable_says_that_it_is_looked_for(broker_program: tuple[Path, Path]) -> None:
    (port,) = free_ports(1)
    with start("--kind", "real", "--partitions", "1", KAFKA_BOOTSTRAP_SERVERS=f"localhost:{port}") as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert f"serves at 127.0.0.1:{port}" in said
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


def test_an_address_elsewhere_that_does_not_answer_starts_nothing() -> None:
    with start("--kind", "real", KAFKA_BOOTSTRAP_SERVERS="nowhere.invalid:9092") as process:
        said, errors = process.communicate()
    assert process.returncode == 1
    assert said == ""
    assert "Nothing was started either: KAFKA_BOOTSTRAP_SERVERS must name an address of this machine" in errors


def test_what_cannot_be_is_said_without_a_traceback() -> None:
    with start("--kind", "embedded", "--port", "9092") as process:
        _said, errors = process.communicate()
    assert process.returncode == 1
    assert errors == "Error: The embedded broker chooses its port by itself. Got 'port' 9092.\n"
