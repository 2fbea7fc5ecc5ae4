"""Brokers for tests: a real Apache Kafka and the embedded one, each started once for all tests."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.jars import broker_jars, find_java
from tracehound.schemas.errors import BrokerError

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

REAL_FIXTURES = {"kafka", "kafka_cluster", "broker_program"}
_MISSING = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_MISSING] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if REAL_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for what, why in config.stash[_MISSING].items():
        terminalreporter.section("NOT TESTED ON APACHE KAFKA", red=True, bold=True)
        terminalreporter.line(f"Tests that need {what} did not run: {why}", red=True)


def _give_up(config: pytest.Config, what: str, error: BrokerError) -> NoReturn:
    """In CI a missing broker is a failure; elsewhere the tests are skipped and the summary says so loudly."""
    if os.environ.get("CI"):
        pytest.fail(f"CI needs {what}: {error}", pytrace=False)
    config.stash[_MISSING][what] = str(error)
    pytest.skip(f"{what} cannot be had: {error}")


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """A real Apache Kafka for the whole session: external, Docker's or the JVM's."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(broker("real"))
        except BrokerError as error:
            _give_up(pytestconfig, "a real Apache Kafka", error)
        yield started


@pytest.fixture(scope="session")
def broker_program(pytestconfig: pytest.Config) -> tuple[Path, Path]:
    """Java, and the folder with the jars of Apache Kafka."""
    try:
        return find_java(), broker_jars()
    except BrokerError as error:
        return _give_up(pytestconfig, "Apache Kafka on Java", error)


@pytest.fixture(scope="module")
def kafka_cluster(broker_program: tuple[Path, Path]) -> Iterator[ApacheKafka]:
    """Three brokers of Apache Kafka from the JVM, for tests that stop and kill them."""
    with ApacheKafka(brokers=3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def embedded_kafka() -> Iterator[Broker]:
    """The embedded broker in a process of its own, for the whole session."""
    with broker("embedded") as started:
        yield started


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.kafka)])
def any_kafka(request: pytest.FixtureRequest) -> Broker:
    """Runs the test on the embedded broker and on a real Apache Kafka."""
    found: Broker = request.getfixturevalue("kafka" if request.param == "real" else "embedded_kafka")
    return found


@pytest.fixture
def bootstrap(any_kafka: Broker) -> str:
    """The bootstrap servers of ``any_kafka``."""
    return any_kafka.bootstrap_servers


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A topic prefix that no other test has, for tests share their brokers."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", request.node.name)[:60]
    return f"{name}-{uuid.uuid4().hex[:8]}."
