"""All of tracehound on the embedded broker, each kind in a process of its own, and what is sent to it."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from confluent_kafka import Producer

from tests.end_to_end.alerts.watchers import Server
from tests.end_to_end.conftest import WorkerProcess, wait_until_within
from tracehound.infra.inherited import inherited
from tracehound.infra.kafka.broker import broker
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics

TOPICS = Topics(partitions=4)
_RUN = "from tracehound.scripts.cli import main; main(['{}'])"
_WORKER = """
import os
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.scripts.cli import main

score = Scorer.score

def fails(scorer, executions):
    if os.path.exists(os.environ["FAILS_ONCE"]):
        os.unlink(os.environ["FAILS_ONCE"])
        raise MemoryError
    return score(scorer, executions)

Scorer.score = fails
main(["worker"])
"""
"""A worker whose scoring raises whenever there is a file, which it removes."""
_ROUTES = """
[notify]
first_retry_s = 0.1
longest_retry_s = 0.2

[notify.receivers.away]
kind = "webhook"
url = "http://127.0.0.1:{away}/"
secret_env = "HOOK_SECRET"

[notify.receivers.refuses]
kind = "webhook"
url = "http://127.0.0.1:{refuses}/"
secret_env = "HOOK_SECRET"

[[notify.routes]]
receivers = ["away", "refuses"]
"""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of some megabytes in memory; None where this user may not mount one."""
    there = folder / "disk"
    there.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", there], capture_output=True)
    try:
        yield None if mounted.returncode else there
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", there], check=True)


class System:
    """The processes by kind, the broker, and two receivers of notifications.

    Parameters:
        folder: a temporary one.
    """

    def __init__(self, folder: Path) -> None:
        self.recorded: list[str] = []
        """Alerts that recorded text has set off, since what they are for could not be made here."""
        self.fails_once = folder / "fails"
        self._stack = ExitStack()
        self.away, self.refuses, self.stand_in = (self._stack.enter_context(Server().listening()) for _ in range(3))
        self.disk = self._stack.enter_context(small_disk(folder))
        started = self._stack.enter_context(broker("embedded", topics=TOPICS))
        assert isinstance(started.cluster, EmbeddedBrokerProcess)
        self.broker = started.cluster
        routes = folder / "tracehound.toml"
        routes.write_text(_ROUTES.format(away=self.away.port, refuses=self.refuses.port))
        kinds = ("worker", "intake", "incidents", "notify", "gateway", "console")
        self.database = folder / "console.db"
        self.ports = dict(zip(kinds, free_ports(len(kinds)), strict=True))
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "FAILS_ONCE": str(self.fails_once),
            "HOOK_SECRET": "s" * 24,
            "TRACEHOUND_CONFIG": str(routes),
            "TRACEHOUND_PARTITIONS": str(TOPICS.partitions),
            "TRACEHOUND_BROKER_IS_EMBEDDED": "true",
            "TRACEHOUND_COMMIT_INTERVAL_S": "0.3",
            "TRACEHOUND_SESSION_TIMEOUT_S": "60",
            "TRACEHOUND_PROGRESS_INTERVAL_S": "0.5",
            "TRACEHOUND_DETECTION__REFIT_DELAY": "10",
            "TRACEHOUND_DETECTION__ALARM_BUDGET": "0.02",
            "TRACEHOUND_HTTP_PORT": str(self.ports["worker"]),
            "TRACEHOUND_INTAKE__HTTP_PORT": str(self.ports["intake"]),
            "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT": str(self.ports["incidents"]),
            "TRACEHOUND_NOTIFY__HTTP_PORT": str(self.ports["notify"]),
            "TRACEHOUND_GATEWAY__PORT": str(self.ports["gateway"]),
            "TRACEHOUND_GATEWAY__GRPC_PORT": "0",
            "TRACEHOUND_GATEWAY__KAFKA_TIMEOUT_S": "1",
            "TRACEHOUND_CONSOLE__PORT": str(self.ports["console"]),
            "TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{self.database}",
            "TRACEHOUND_KEPT_EXECUTIONS__IN_CONSOLE": "false",
        }
        self.console_key = self._run("console", "--new-key", "prometheus", "--role", "viewer").stdout.strip()
        own = {"TMPDIR": str(self.disk)} if self.disk else {}  # the embedded broker's topics have no ids: no state_dir
        self.processes = {kind: WorkerProcess(self.environment, _RUN.format(kind)) for kind in kinds[1:]}
        self.processes["worker"] = WorkerProcess({**self.environment, **own}, _WORKER)
        self.traffic = Traffic(self.broker.bootstrap_servers)

    def targets(self) -> dict[str, str]:
        """Where Prometheus finds each process, by job."""
        jobs = {"worker": "tracehound"}
        ports = {**self.ports, "stand-in": self.stand_in.port}
        return {jobs.get(kind, f"tracehound-{kind}"): f"127.0.0.1:{port}" for kind, port in ports.items()}

    def drill(self) -> None:
        """Carry a drill out that is told."""
        self._run("drill", "--timeout", "4m")

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        whole = [sys.executable, "-m", "tracehound", *command]
        done = subprocess.run(whole, env={**inherited(), **self.environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def pid(self, kind: str) -> int:
        """The process id of a kind."""
        return self.processes[kind].pid

    def wait_until_ready(self, kind: str) -> None:
        """Until a process does its work."""
        wait_until_within(lambda: self._answers(kind), f"{kind} is ready", 120)

    def _answers(self, kind: str) -> bool:
        process = self.processes[kind]
        assert process.is_running(), "".join(process.raw)
        try:
            return requests.get(f"http://127.0.0.1:{self.ports[kind]}/readyz", timeout=120).ok
        except requests.ConnectionError:
            return False

    def close(self) -> None:
        """End everything, frozen processes too."""
        self.traffic.close()
        for process in self.processes.values():
            process.kill()
        self._stack.close()


class Traffic:
    """What producers send: executions of one application all the time, and whatever a fault needs besides."""

    def __init__(self, servers: str) -> None:
        self._producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random", "log_level": 0})
        self._random = random.Random(1)
        self.flows = threading.Event()
        self.flows.set()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ends.wait(0.1):
            if self.flows.is_set():
                for _ in range(10):
                    self.execution("shop", "GET /cart", time.time(), 100.0)

    def execution(self, application: str, operation: str, at_s: float, usual_ms: float, **more: Any) -> None:
        """One execution; its duration is about what is usual."""
        duration_ms = usual_ms * self._random.lognormvariate(0, 0.2)
        told = {"application": application, "operation": operation, "started_at": at_s, "duration_ms": duration_ms}
        self.send(TOPICS.executions.name, json.dumps({**told, **more}).encode(), application)

    def send(self, topic: str, value: bytes, key: str) -> None:
        """One record; waits while the producer's queue is full."""
        while True:
            try:
                self._producer.produce(topic, value, key)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def flush(self) -> None:
        assert self._producer.flush(120) == 0

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
