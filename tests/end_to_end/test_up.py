"""`tracehound up` as a newcomer uses it: what it says to publish is judged, and what is wrong is refused."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.up import chosen_broker
from tracehound.streams.settings.settings import Settings


class Up:
    """The command in a process of its own, and what it has said."""

    def __init__(self, folder: Path, **variables: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRACEHOUND_", "KAFKA_"))}
        ports = free_ports(5)
        own = {
            "TRACEHOUND_HTTP_PORT": ports[0],
            "TRACEHOUND_INTAKE__HTTP_PORT": ports[1],
            "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT": ports[2],
            "TRACEHOUND_GATEWAY__PORT": ports[4],
            "TRACEHOUND_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports[3]}",  # whatever runs on this machine
        }
        self.environment = {**kept, **{name: str(value) for name, value in own.items()}, **variables}
        self.said = ""
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tracehound", "up", "--kafka", "embedded", "--logs", str(folder)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line

    def until(self, pattern: str, timeout_s: float = 120.0) -> "re.Match[str]":
        deadline_s = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.said, re.DOTALL | re.MULTILINE)) is None:
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.1)
        return found

    def end(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(60)
        self._reader.join(10)
        return status


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "logs")
    yield started
    started.end()
    assert started._process.stdout is not None
    started._process.stdout.close()


def test_what_it_says_to_publish_is_judged_and_bad_input_is_refused(up: Up, tmp_path: Path) -> None:
    program = up.until(r"publish this, in another shell:\n\n(.*?\nEND)\n")[1]
    export = up.until(r"^Other commands find it by: (export KAFKA_BOOTSTRAP_SERVERS=(\S+))$")

    subprocess.run(["bash", "-c", program], check=True, cwd=tmp_path, timeout=60)
    up.until(r"^\S+ model    shop is new: each of its operations needs \d+ executions")
    up.until(r"^\S+ judged   GET /cart of shop is judged from now on")
    up.until(r"^\S+ arrived  shop GET /cart: new, \d+ executions$")

    producer = Producer({"bootstrap.servers": export[2]})
    producer.produce("tracehound.executions.v1", b'{"application": "shop"}', key=b"shop")
    assert producer.flush(120) == 0
    show = up.until(r"^\S+ refused  .*required.*\(tracehound (deadletters show \d+-\d+)\)$")[1]

    shell = f"{export[1]} && {sys.executable} -m tracehound {show} && {sys.executable} -m tracehound status"
    result = subprocess.run(
        ["bash", "-c", shell], env=up.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert '{"application": "shop"}' in result.stdout
    assert re.search(r"^models +1 application; 1 of 1 operation judged", result.stdout, re.MULTILINE)
    assert up.end() == 0
    assert up.said.endswith("Stopped.\n")
    logs = {file.stem for file in (tmp_path / "logs").glob("*.log")}
    assert logs == {"worker", "intake", "incidents", "gateway"}


def by_default(servers: str) -> Settings:
    """Settings whose default is this address, which nobody has named."""
    return Settings.model_construct(_fields_set=set(), bootstrap_servers=servers)


def test_a_broker_that_is_named_or_listens_is_used_and_left_there(embedded_kafka: Broker) -> None:
    servers = embedded_kafka.bootstrap_servers
    for settings in (Settings(bootstrap_servers=servers), by_default(servers)):
        with chosen_broker("auto", settings) as found:
            assert (found.kind, found.bootstrap_servers) == ("external", servers)
    assert embedded_kafka.create_topics(Topics("still-there.", 1, ()))

    with pytest.raises(
        BrokerError, match=r"No Kafka broker answers.*Or have one started: tracehound up --kafka embedded"
    ):
        chosen_broker("auto", Settings(bootstrap_servers="nowhere.invalid:9092")).__enter__()


def test_where_there_is_none_one_is_started_and_ends_with_it() -> None:
    (port,) = free_ports(1)
    with chosen_broker("auto", by_default(f"127.0.0.1:{port}")) as found:
        assert found.embedded
