"""What the pages show that ends by itself is run as it is written there, on a system that has found something."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.docs.documented_commands import documented, words
from tests.end_to_end.conftest import Field, WorkerProcess, wait_until_within
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main

ENDS = re.compile(
    r"tracehound (?:settings$|incidents (?:list|show)|models list|models re\w+ [A-Z]"
    r"|deadletters (?:list|show|resend)|feedback \w|maintenance (?:add|list|end)|validate (?:--logs )?\w+|score [-F]"
    r"|notify --dry-run|gateway --|console --(?:new-key \w|first-key)|completion bash)"
)
RUN_HERE = sorted({command for _, command in documented() if ENDS.match(command)})
SERVES = "from tracehound.scripts.cli import main; main(['{}'])"
ROUTES = """
[notify.receivers.on-call]
kind = "alertmanager"
url = "http://127.0.0.1:9"

[[notify.routes]]
receivers = ["on-call"]
"""


def execution(number: int, duration_ms: float) -> bytes:
    about = {"application": "shop", "operation": "GET /cart", "trace_id": f"{number}"}
    return json.dumps({**about, "started_at": time.time() - 900 + number, "duration_ms": duration_ms}).encode()


@pytest.fixture
def field(embedded_kafka: Broker, prefix: str) -> Field:
    topics = Topics(prefix, 1, (f"{prefix}otlp_spans",))
    embedded_kafka.create_topics(topics)
    return Field(embedded_kafka, topics)


@pytest.fixture
def ids(
    field: Field, worker: Callable[..., WorkerProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """A system that has judged, found and refused something; what it found, by what a page's placeholder is of."""
    (tmp_path / "tracehound.toml").write_text(ROUTES)
    (tmp_path / "executions.jsonl").write_bytes(execution(1, 50.0) + b"\n")
    (tmp_path / "logs.jsonl").write_text('{"message": "CPU spike detected", "level": "warning"}\n')
    environment = field.environment | {
        "TRACEHOUND_CONFIG": str(tmp_path / "tracehound.toml"),
        "TRACEHOUND_INTAKE__OTLP_TOPICS": field.topics.otlp_names[0],
        "TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{tmp_path}/console.db",
        "TRACEHOUND_SAVE_INTERVAL_S": "0.3",
        "TRACEHOUND_INCIDENT_WORKER__GROUP_ID": f"{field.topics.prefix}incidents",
        "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT": "0",
    }
    for kind in ("worker", "incidents"):
        worker(environment, code=SERVES.format(kind))
    usual = [(b"shop", execution(number, 50.0 + number % 7)) for number in range(640)]
    field.send([*usual, *((b"shop", execution(number, 20_000.0)) for number in range(640, 660))])
    field.send([(b"shop", b'{"application": "shop"}')])
    opened, anomaly, letter = (
        field.read(topic.name, bool)[0]
        for topic in (field.topics.severity, field.topics.anomalies, field.topics.dead_letters)
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return {
        "incident": json.loads(opened.value())["data"]["incident_id"],
        "anomaly": json.loads(anomaly.value())["id"],
        "letter": f"{letter.partition()}-{letter.offset()}",
    }


def run(arguments: list[str]) -> Any:
    """Whoever is asked says yes; ``score -`` is given an execution."""
    return CliRunner().invoke(main, arguments, input=execution(2, 50.0).decode() if "-" in arguments else "y\n")


def filled_in(command: str, ids: dict[str, str]) -> list[str]:
    """The arguments, with what this system has where a page has an example or a placeholder."""
    own = {
        **{"FILE": "executions.jsonl", "APPLICATION": "shop", "NAME": "somebody", "ROLE": "worker", "USER": "User:w"},
        **{"$role": "worker", "User:tracehound-$role": "User:w", "ID": ids["anomaly"], "70ec3d3f": ids["anomaly"]},
        **{"4f2a91": ids["incident"], "898dd1b3": ids["incident"]},
        "tracehound.dead-letters.v1-3-17": ids["letter"],
    }
    if "maintenance end" in command:
        [own["0c6e"], *_] = re.findall(r"\b[0-9a-f]{8,}\b", run(["maintenance", "add", "--for", "1h"]).stdout)
    if "--logs" in command:
        own["FILE"] = "logs.jsonl"
    arguments = [own.get(one, one) for one in words(command)]
    return [*arguments, "--yes"] if "models reset" in command else arguments


def test_each_does_what_it_is_for(ids: dict[str, str]) -> None:
    wait_until_within(lambda: run(["score", "executions.jsonl"]).exit_code == 0, "the worker answers", 120.0)
    results = {command: run(filled_in(command, ids)) for command in RUN_HERE}
    failed = {command: result.output for command, result in results.items() if result.exit_code or not result.output}
    assert not failed, "\n".join(f"{command}: {said}" for command, said in failed.items())
    assert len(results) > 30
