"""Every query of Grafana's dashboards, on a real Prometheus that asks running processes which have found a fault."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.end_to_end.all_of_it import Up
from tests.processes import running
from tracehound.infra.kafka.ports import free_ports

PROJECT = Path(__file__).parents[2]
BOARDS = sorted((PROJECT / "infra/grafana/dashboards").glob("*.json"))
PATIENCE_S = 400.0
ANOMALIES = {"query": "tracehound_anomaly_score_bucket", "start": "1767225600", "end": "4102444800"}
JOBS = {"worker": "tracehound", "intake": "tracehound-intake", "incidents": "tracehound-incidents"}


def queries(board: dict[str, Any]) -> Iterator[str]:
    """Those of its panels and of its variables, with Grafana's own variables filled in."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "20s").replace("$application", ".*")
    for variable in board["templating"]["list"]:
        if asked := re.fullmatch(r"label_values\((\w+), \w+\)", str(variable.get("query"))):
            yield asked[1]


@pytest.fixture
def prometheus(up: Up, tmp_path: Path, real_program: Callable[..., str]) -> Iterator[str]:
    """The URL of one that asks what runs, with our rules."""
    (port,) = free_ports(1)
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(PROJECT / "infra/prometheus/rules/recording.yml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{up.ports[process]}"]}]}
            for process, job in JOBS.items()
        ],
    }
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration))
    command = [real_program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    listening = f"--web.listen-address=127.0.0.1:{port}"
    command.append("--enable-feature=exemplar-storage")
    with running([*command, listening], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    with Up(tmp_path / "logs") as started:
        yield started


def with_data(url: str, query: str) -> bool:
    try:
        answer = requests.get(f"{url}/api/v1/query", {"query": query}, timeout=120)
    except requests.ConnectionError:
        return False  # it has not begun to listen
    assert answer.status_code in (200, 503), f"{query}: {answer.text}"
    return answer.status_code == 200 and bool(answer.json()["data"]["result"])


def ask_for_a_prediction(environment: dict[str, str]) -> None:
    execution = {"application": "asked", "operation": "GET /", "started_at": time.time(), "duration_ms": 5.0}
    command = [sys.executable, "-m", "tracehound", "score", "-", "--timeout", "120"]
    line = json.dumps(execution)
    asked = subprocess.run(command, env=environment, input=line, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stdout + asked.stderr


def test_every_query_of_every_dashboard_has_data(
    up: Up, prometheus: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    asked = {query for board in BOARDS for query in queries(json.loads(board.read_text()))}
    assert len(asked) > 30
    servers = up.until(r"export KAFKA_BOOTSTRAP_SERVERS=(\S+)$")[1]
    simulate = [sys.executable, "-m", "tracehound", "simulate", "--history", "30m", "--applications", "2"]
    faults = ["--fault", "error_burst@+5s", "--duration", "1h", "--rate", "60"]
    environment = {**up.environment, "KAFKA_BOOTSTRAP_SERVERS": servers, "TRACEHOUND_BOOTSTRAP_SERVERS": servers}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running([*simulate, *faults], env=environment, **quiet):
        ask_for_a_prediction(environment)
        until_s, lacking = time.monotonic() + PATIENCE_S, asked
        while lacking and time.monotonic() < until_s:
            time.sleep(0.5)
            lacking = {query for query in lacking if not with_data(prometheus, query)}
    examples = requests.get(f"{prometheus}/api/v1/query_exemplars", ANOMALIES, timeout=120).json()["data"]
    assert [one["labels"]["trace_id"] for series in examples for one in series["exemplars"]]
    record_testsuite_property("grafana_queries", len(asked))
    record_testsuite_property("grafana_queries_with_data", len(asked) - len(lacking))
    assert not lacking
