"""The service records what it answered, and counts the same for Prometheus."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.checkout import PROJECT
from tests.client.conftest import Reached, gateway  # noqa: F401 (a fixture)
from tests.processes import running
from tracehound.infra.kafka.ports import free_ports

FOLDER = PROJECT / "examples" / "random_service"
REQUESTS = 60


@dataclass(frozen=True)
class Service:
    """The service as it runs, and its variables."""

    url: str
    metrics_url: str
    application: str

    def ask(self) -> float | None:
        """The number that it answers; None where it fails."""
        try:
            with urllib.request.urlopen(f"{self.url}/random", timeout=120) as answer:
                value: float = json.load(answer)["value"]
                return value
        except urllib.error.HTTPError as error:
            error.close()
            return None

    def counted(self) -> dict[str, float]:
        """What it counts, by name and labels."""
        with urllib.request.urlopen(self.metrics_url, timeout=120) as answer:
            lines = re.findall(r"^(random_\S+) (\S+)$", answer.read().decode(), re.MULTILINE)
        return {name: float(value) for name, value in lines}


@pytest.fixture
def service(gateway: Reached) -> Iterator[Service]:  # noqa: F811

    port, metrics_port = free_ports(2)
    application = f"random-{uuid4()}"  # the gateway is the session's, whose other tests run this service, too
    given = {"GATEWAY": gateway.url, "METRICS_PORT": str(metrics_port), "DELAY_MS": "20", "FAILURES": "0.2"}
    given["APPLICATION"] = application
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port), "--log-level", "warning"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(command, cwd=FOLDER, env={**os.environ, **given}, **pipes) as process:
        started = Service(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}/metrics", application)
        while True:
            assert process.poll() is None
            try:
                urllib.request.urlopen(f"{started.url}/docs", timeout=120).close()
                break
            except OSError:
                time.sleep(0.1)
        yield started


def test_what_it_answers_is_what_is_recorded_and_counted(service: Service, gateway: Reached) -> None:  # noqa: F811
    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(lambda _: service.ask(), range(REQUESTS)))

    executions = [
        one for one in gateway.executions(service.application, REQUESTS + 1) if one.operation == "GET /random"
    ]
    values = [one.attributes["value"] for one in executions if not one.failed]
    assert sorted(values) == sorted(answer for answer in answers if answer is not None)
    failed = sum(one.failed for one in executions)
    assert failed == answers.count(None)
    assert all(one.result == (500 if one.failed else 200) for one in executions)

    counted = service.counted()
    assert counted["random_requests_total"] == REQUESTS
    assert counted.get("random_failed_requests_total", 0.0) == failed
    assert counted["random_capacity_used"] == pytest.approx(0.0)
    assert counted['random_request_seconds_count{status="200"}'] == REQUESTS - failed
    seconds = counted['random_request_seconds_sum{status="200"}']
    recorded = sum(one.duration_ms for one in executions if not one.failed) / 1_000
    assert seconds <= recorded  # (what is around the function is the framework's)


def test_visitors_ask_it(service: Service) -> None:

    command = [sys.executable, "visitors.py", "200", "0.5"]
    subprocess.run(command, cwd=FOLDER, env={**os.environ, "SERVICE": service.url}, check=True, timeout=120)
    assert service.counted()["random_requests_total"] >= 1
