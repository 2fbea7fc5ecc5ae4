"""What tracehound keeps of the example's service tells how it behaves: within 2 % of the true quantiles.

The service draws from distributions that are known, and is asked in virtual time, so that no delay is longer than it
was drawn, however busy the machine is. The quantiles that are told may be off for two reasons, which are judged apart:

- The sketch: at most ``RELATIVE_ERROR`` (0.5 %) from the number that was drawn, always.
- The sample: the quantiles of so many numbers are not those of their distribution. The standard deviation of the p-th
  is √(p (1 − p) / n) / f, with the density f there: of 30,000 delays (log-normal, σ 0.5) 0.36 % of the value at p50 and
  1.08 % at p99, of as many values (normal, 15 of 100) 0.11 % and 0.24 %. Together they are within 2 % at p99 of the
  delays in about five of six samples, and in practically all elsewhere; the seed of this one is fixed, and it is one
  of the five.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from tests.checkout import PROJECT
from tests.client.conftest import Reached, gateway  # noqa: F401 (a fixture)
from tests.console.asking import Asking, asking
from tests.end_to_end.conftest import WorkerProcess, wait_until_within
from tracehound.console.executions.sketch import RELATIVE_ERROR
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.ports import free_ports

REQUESTS, SEED = 30_000, 7
SHARES = [0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99]
DELAY_MS, SIGMA = 50.0, 0.5
VALUE, DEVIATION = 100.0, 15.0
KEEP = "from tracehound.scripts.cli import main; main(['console', '--only', 'executions'])"
OF_SERVICE = {"application": "random-service", "operation": "GET /random"}
PATIENCE_S = 150.0


@dataclass(frozen=True)
class Answered:
    """What the service drew, and the API over what was kept of it."""

    delays_ms: list[float]
    values: list[float]
    console: Asking

    def told(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.console.get("/operations/distribution", **OF_SERVICE, name=name, p=SHARES)
        return found


@pytest.fixture(scope="module")
def answered(gateway: Reached, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:  # noqa: F811
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('kept')}/tracehound.db")
    [port] = free_ports(1)
    given = {"TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{store.path}", "TRACEHOUND_HTTP_PORT": str(port)}
    keeping = WorkerProcess({**gateway.field.environment, **given}, code=KEEP)
    try:
        drawn = _answers(gateway.url)
        keeping.wait_for("keeping_executions")
        with asking(store) as console:
            yield Answered(drawn["delays_ms"], drawn["values"], _once_kept(console, len(drawn["delays_ms"])))
    finally:
        keeping.kill()
        store.close()


def _answers(url: str) -> dict[str, list[float]]:
    folder = PROJECT / "examples" / "random_service"
    path = os.pathsep.join(map(str, (folder, PROJECT)))
    given = {"GATEWAY": url, "METRICS_PORT": str(free_ports(1)[0]), "FAILURES": "0", "PYTHONPATH": path}
    command = [sys.executable, str(Path(__file__).with_name("answer_in_virtual_time.py")), str(REQUESTS), str(SEED)]
    done = subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    drawn: dict[str, list[float]] = json.loads(done.stdout)
    return drawn


def _once_kept(console: Asking, count: int) -> Asking:
    def kept() -> bool:
        answer = console.ask("GET", "/operations/distribution", "viewer", params=OF_SERVICE)
        return answer.status_code == 200 and int(answer.json()["executions"]) >= count

    wait_until_within(kept, "all executions are kept", PATIENCE_S)
    return console


def true_delay_ms(share: float) -> float:
    return DELAY_MS * math.exp(SIGMA * NormalDist().inv_cdf(share))


def true_value(share: float) -> float:
    return NormalDist(VALUE, DEVIATION).inv_cdf(share)


@pytest.mark.parametrize(("name", "true"), [("duration_ms", true_delay_ms), ("attributes.value", true_value)])
def test_quantiles_are_within_two_percent_of_the_true_ones(answered: Answered, name: str, true: Any) -> None:
    told = answered.told(name)
    assert told["count"] == REQUESTS
    for one in told["quantiles"]:
        assert one["value"] == pytest.approx(true(one["p"]), rel=0.02)


@pytest.mark.parametrize("name", ["duration_ms", "attributes.value"])
def test_quantiles_are_those_of_the_numbers_that_were_drawn(answered: Answered, name: str) -> None:
    drawn = sorted(answered.delays_ms if name == "duration_ms" else answered.values)
    told = answered.told(name)
    for one in told["quantiles"]:
        of_sample = drawn[int(one["p"] * (len(drawn) - 1))]
        # (what is sent has a few digits less than what was drawn)
        assert one["value"] == pytest.approx(of_sample, rel=RELATIVE_ERROR * 1.01)
    assert told["mean"] == pytest.approx(sum(drawn) / len(drawn), rel=1e-3)
