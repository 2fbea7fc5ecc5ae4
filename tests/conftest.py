"""Brokers for tests: a real Apache Kafka and the embedded one, each started once for all tests."""

import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from hypothesis import settings
from xdist.remote import Producer

from tests.processes import start_others_with_usual_signals
from tests.together import Together, place_of
from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.embedded import EmbeddedControl
from tracehound.infra.kafka.jars import broker_jars, find_java
from tracehound.schemas.errors import BrokerError
from tracehound.streams.worker.logging import CHATTY

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

REAL_FIXTURES = {"kafka", "kafka_cluster", "broker_program"}
COULD_NOT_RUN = "COULD NOT RUN"
SHORT_LIVED_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Half the time of a start: no broker here lives long enough for the optimizing compiler to pay."""
_PRODUCE, _OFFSET_COMMIT = 0, 8
"""Requests that tests make fail, by Kafka's numbers."""


def pytest_configure() -> None:
    start_others_with_usual_signals()
    os.environ.setdefault("JAVA_TOOL_OPTIONS", SHORT_LIVED_JAVA)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """What runs within the process of the tests may set up logs as processes do: the next test finds them as before."""
    root, libraries = logging.getLogger(), [logging.getLogger(name) for name in CHATTY]
    handlers, levels = root.handlers[:], [one.level for one in (root, *libraries)]
    configured, configuration = structlog.is_configured(), structlog.get_config()
    yield
    for handler in set(root.handlers).difference(handlers):
        root.removeHandler(handler)
    for logger, level in zip((root, *libraries), levels, strict=True):
        logger.setLevel(level)
    logging.captureWarnings(False)
    if configured:
        structlog.configure(**configuration)
    else:
        structlog.reset_defaults()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: place_of(item.nodeid))
    for item in items:
        if REAL_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = {report.longrepr[2] for report in terminalreporter.getreports("skipped")}
    missing = sorted(reason.partition(COULD_NOT_RUN)[2] for reason in reasons if COULD_NOT_RUN in reason)
    if missing:
        terminalreporter.section(COULD_NOT_RUN, red=True, bold=True)
        for why in missing:
            terminalreporter.line(f"Tests that need {why.removeprefix(': ')}", red=True)


def give_up(what: str, why: object) -> NoReturn:
    """What is missing is a failure in CI; elsewhere its tests are skipped, and the summary says so loudly."""
    if os.environ.get("CI"):
        pytest.fail(f"CI needs {what}: {why}", pytrace=False)
    pytest.skip(f"{COULD_NOT_RUN}: {what}: {why}")


@pytest.fixture(scope="session")
def real_program() -> Callable[..., str]:
    """Finds a program that other people wrote by any of its names."""

    def find(*names: str) -> str:
        found = next(filter(None, map(shutil.which, names)), None)
        return found or give_up(names[0], f"none of {', '.join(names)} is on the PATH; .ci/packages installs it")

    return find


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """A real Apache Kafka for the whole session: external, Docker's or the JVM's."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(broker("real"))
        except BrokerError as error:
            give_up("a real Apache Kafka", error)
        yield started


@pytest.fixture(scope="session")
def broker_program() -> tuple[Path, Path]:
    """Java, and the folder with the jars of Apache Kafka."""
    try:
        return find_java(), broker_jars()
    except BrokerError as error:
        return give_up("Apache Kafka on Java", error)


@pytest.fixture(scope="session")
def three_brokers(broker_program: tuple[Path, Path]) -> Iterator[ApacheKafka]:
    """Three brokers of Apache Kafka from the JVM, for the whole session; tests want ``kafka_cluster``."""
    with ApacheKafka(brokers=3) as cluster:
        yield cluster


@pytest.fixture
def kafka_cluster(three_brokers: ApacheKafka) -> Iterator[ApacheKafka]:
    """Three brokers that a test may stop and kill: the next test finds all of them running, also after a failure."""
    numbers = sorted(three_brokers.pids)
    yield three_brokers
    if away := [number for number in numbers if number not in three_brokers.pids]:
        three_brokers.start_broker(*away)


@pytest.fixture(scope="session")
def embedded_process() -> Iterator[Broker]:
    """The embedded broker in a process of its own, for the whole session; tests want ``embedded_kafka``."""
    with broker("embedded") as started:
        yield started


@pytest.fixture
def embedded_kafka(embedded_process: Broker) -> Iterator[Broker]:
    """The embedded broker, which a test may make slow and refuse: the next test finds it well."""
    yield embedded_process
    assert isinstance(embedded_process.cluster, EmbeddedControl)
    embedded_process.cluster.set_round_trip_time(0)
    for request in (_PRODUCE, _OFFSET_COMMIT):
        embedded_process.cluster.clear_failures(request)


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
