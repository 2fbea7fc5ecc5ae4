import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tests.processes import running

pytest_plugins = ["pytester"]

INTERRUPTS = "tests/scripts/commands/test_tail.py::test_it_waits_for_a_broker_that_is_away"
ILL = """
from confluent_kafka import KafkaError, Producer

def write(kafka):
    errors = []
    producer = Producer({**kafka.client_config, "log_level": 0, "retries": 0, "message.timeout.ms": 10_000})
    producer.produce("topic", b"", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(120) == 0
    assert errors == [None]

def test_leaves_it_ill(embedded_kafka):
    embedded_kafka.cluster.set_round_trip_time(60_000)
    embedded_kafka.cluster.fail_requests(0, [KafkaError.TOPIC_AUTHORIZATION_FAILED] * 1_000)
    write(embedded_kafka)

def test_finds_it_well(embedded_kafka):
    write(embedded_kafka)
"""
NEEDS_A_REAL_BROKER = "tests/infra/kafka/test_broker.py::test_the_real_one_is_real"


def run_where_nothing_is_installed(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a test that needs a real broker where there is no broker, no Docker and no Java."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "KAFKA_BOOTSTRAP_SERVERS"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", NEEDS_A_REAL_BROKER],
        cwd=PROJECT,
        env={**inherited, "DOCKER_HOST": f"unix://{folder}/none.sock", "JAVA_HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_real_broker_tests_are_skipped_loudly(tmp_path: Path) -> None:
    run = run_where_nothing_is_installed(tmp_path)
    assert run.returncode == 0
    assert "1 skipped" in run.stdout
    assert "COULD NOT RUN" in run.stdout
    assert f"there is no java on JAVA_HOME={tmp_path}" in run.stdout


def test_in_ci_that_is_a_failure(tmp_path: Path) -> None:
    run = run_where_nothing_is_installed(tmp_path, CI="true")
    assert run.returncode == 1
    assert "CI needs a real Apache Kafka" in run.stdout


def test_commands_under_test_can_be_interrupted_where_the_tests_themselves_ignore_it() -> None:
    """As after `make test &`: a shell starts what runs in its background with interrupts ignored."""
    ignoring = 'trap "" INT QUIT HUP; exec "$@"'
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", INTERRUPTS]
    run = subprocess.run(
        ["sh", "-c", ignoring, "sh", *command], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout


def test_a_process_ends_with_the_block_that_failed(ended: Callable[[int], bool]) -> None:
    started: list[int] = []

    def fail() -> None:
        with running([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
            started.append(process.pid)
            raise AssertionError("on purpose")

    with pytest.raises(AssertionError, match="on purpose"):
        fail()
    assert ended(started[0])


def test_the_embedded_broker_is_well_after_a_test_that_left_it_ill(pytester: pytest.Pytester) -> None:
    """The next test must not pay for a failure before it had cleaned up."""
    pytester.makeconftest("from tests.conftest import embedded_kafka, embedded_process\n")
    pytester.makepyfile(ILL)
    run = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    run.assert_outcomes(passed=1, failed=1)
