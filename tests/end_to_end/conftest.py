"""Worker processes, and what end-to-end tests send to and read from a broker."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Message, Producer

from tracehound.infra.inherited import inherited
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main
from tracehound.scripts.soak.crew import RUN
from tracehound.streams.settings.catalogue import every_setting
from tracehound.streams.settings.settings import Settings

PARTITIONS = 4
RUN_GATEWAY = "from tracehound.scripts.cli import main; main(['gateway'])"
_PORTS = [setting.path for setting in every_setting(Settings) if setting.name.endswith("port")]
ANY_PORT = {f"TRACEHOUND_{path.replace('.', '__').upper()}": "0" for path in _PORTS}
"""No process of a test takes a usual port: two tests at once would both want it (0 for OTLP over gRPC: it is off)."""


def wait_until_within(condition: Callable[[], bool], what: str, timeout_s: float, every_s: float = 0.1) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain until {what}")
        time.sleep(every_s)


class WorkerProcess:
    """``run_worker`` in a process of its own; ``log`` holds its log lines as dicts."""

    def __init__(self, environment: Mapping[str, str], code: str = RUN) -> None:
        self.log: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**inherited(), **ANY_PORT, **environment},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.raw.append(line)
            if line.startswith("{"):
                self.log.append(json.loads(line))

    def said(self, event: str) -> dict[str, Any] | None:
        return next((line for line in list(self.log) if line["event"] == event), None)

    def wait_for(self, event: str, timeout_s: float = 120.0) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while (line := self.said(event)) is None:
            if self._process.poll() is not None:
                self._reader.join(10)
                if (line := self.said(event)) is not None:
                    return line
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the worker did not say {event!r}:\n" + "".join(self.raw[-40:]))
            time.sleep(0.05)
        return line

    def get(self, path: str) -> tuple[int, str]:
        url = self.wait_for("health_listening")["url"]
        try:
            with urllib.request.urlopen(url + path, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except ConnectionResetError:  # its loop was busy for longer than a request may take to come: ask again
            assert self.is_running()
            return self.get(path)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def counts(self, name: str) -> dict[str, float]:
        """One of our metrics, by labels."""
        found = re.findall(rf"^tracehound_{name}({{.*}})? (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return {labels: float(value) for labels, value in found}

    def counted(self, name: str) -> float:
        """The sum over labels of one of our metrics."""
        return sum(self.counts(name).values())

    def end(self, number: int = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 120.0) -> int:
        status = self._process.wait(timeout_s)
        self._reader.join(10)
        return status

    def kill(self) -> None:
        """End the worker and its helper processes; harmless where they have ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(10)
        if self._process.stderr is not None:
            self._process.stderr.close()


@dataclass
class Field:
    """A broker with the topics of one test."""

    broker: Broker
    topics: Topics

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "TRACEHOUND_TOPIC_PREFIX": self.topics.prefix,
            "TRACEHOUND_PARTITIONS": str(self.topics.partitions),
            "TRACEHOUND_GROUP_ID": self.topics.prefix + "group",
            "TRACEHOUND_BROKER_IS_EMBEDDED": str(self.broker.embedded).lower(),
            "TRACEHOUND_COMMIT_INTERVAL_S": "0.3",
            "TRACEHOUND_PROGRESS_INTERVAL_S": "0.5",
            "TRACEHOUND_SILENCE_INTERVAL_S": "0.5",
            "TRACEHOUND_SESSION_TIMEOUT_S": "6",
        }

    def send(self, records: Sequence[tuple[bytes | None, bytes | None]], **more: Any) -> None:
        """Send (key, value) pairs as a producer that follows our documentation would."""
        producer = Producer(
            {
                **self.broker.client_config,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "message.max.bytes": 8_000_000,
            }
        )
        for key, value in records:
            producer.produce(self.topics.executions.name, value, key, **more)
            producer.poll(0)
        assert producer.flush(120) == 0

    def read(self, topic: str, enough: Callable[[list[Message]], bool], timeout_s: float = 120.0) -> list[Message]:
        """All records of a topic, read until there are enough."""
        consumer = Consumer(
            {
                **self.broker.client_config,
                "group.id": f"{topic}-{time.monotonic_ns()}",
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": 10_000_000,
            }
        )
        consumer.assign([_beginning(topic, number) for number in range(self.topics.partitions)])
        found: list[Message] = []
        deadline = time.monotonic() + timeout_s
        try:
            while not enough(found):
                if time.monotonic() > deadline:
                    raise AssertionError(f"only {len(found)} records in {topic} after {timeout_s:g} s")
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    found.append(message)
            return found
        finally:
            consumer.close()


def _beginning(topic: str, partition: int) -> Any:
    from confluent_kafka import OFFSET_BEGINNING, TopicPartition

    return TopicPartition(topic, partition, OFFSET_BEGINNING)


@pytest.fixture
def field(any_kafka: Broker, prefix: str) -> Field:
    """The broker with this test's own topics."""
    topics = Topics(prefix, PARTITIONS, (prefix + "otlp_spans",))
    any_kafka.create_topics(topics)
    return Field(any_kafka, topics)


@pytest.fixture
def worker() -> Iterator[Callable[..., WorkerProcess]]:
    """Starts worker processes; whatever still runs when the test ends is killed."""
    started: list[WorkerProcess] = []

    def start(environment: Mapping[str, str], **more: Any) -> WorkerProcess:
        started.append(WorkerProcess(environment, **more))
        return started[-1]

    yield start
    for process in started:
        process.kill()


class Gateway:
    """The command in a process of its own, and a client of it."""

    def __init__(self, field: Field, **settings: str) -> None:
        port, grpc_port = free_ports(2)
        own = {f"TRACEHOUND_GATEWAY__{name.upper()}": value for name, value in settings.items()}
        spans = field.topics.otlp[0].name
        self.process = WorkerProcess(
            {
                **field.environment,
                "TRACEHOUND_INTAKE__OTLP_TOPICS": spans,
                "TRACEHOUND_GATEWAY__PORT": str(port),
                "TRACEHOUND_GATEWAY__GRPC_PORT": str(grpc_port),
                **own,
            },
            code=RUN_GATEWAY,
        )
        self.address, self.grpc_address = f"127.0.0.1:{port}", f"127.0.0.1:{grpc_port}"

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        used = connection or http.client.HTTPConnection(self.address, timeout=120)
        try:
            used.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            answer = used.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            if connection is None:
                used.close()

    def ready(self) -> bool:
        with suppress(OSError):
            return self.request("GET", "/readyz")[0] == 200
        return False


@pytest.fixture
def gateway() -> Iterator[Callable[..., Gateway]]:
    """Starts gateways; whatever still runs when the test ends is killed."""
    started: list[Gateway] = []

    def start(field: Field, **settings: str) -> Gateway:
        started.append(Gateway(field, **settings))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command of ``tracehound`` in this process, with an environment."""

    def run(of: Mapping[str, str], *arguments: str) -> Any:
        with monkeypatch.context() as patched:
            for name, value in of.items():
                patched.setenv(name, value)
            return CliRunner().invoke(main, list(arguments))

    return run
