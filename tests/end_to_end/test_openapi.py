"""Schemathesis against a gateway with keys: whatever its document allows and forbids is answered as it says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.checkout import PROJECT
from tests.end_to_end.conftest import Field, Gateway
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.streams.http.keys import new_key

FOLDER = Path(__file__).parent / "openapi"


def test_schemathesis_finds_nothing(
    embedded_kafka: Broker, gateway: Callable[..., Gateway], prefix: str, tmp_path: Path
) -> None:
    field = Field(embedded_kafka, Topics(prefix, 1, (prefix + "otlp_spans",)))
    embedded_kafka.create_topics(field.topics)
    sends, reads = new_key(), new_key()
    keys = {
        sends.prefix: {"sha256": sends.sha256, "application": "shop"},
        reads.prefix: {"sha256": reads.sha256, "role": "metrics"},
    }
    started = gateway(field, keys=json.dumps(keys))
    started.process.wait_for("broker_reached")
    arguments = ["--config-file", str(FOLDER / "schemathesis.toml"), "run", "--output-truncate", "false"]
    said = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *arguments, f"http://{started.address}/openapi.json"],
        env={
            **os.environ,
            "INGEST_KEY": sends.key,
            "METRICS_KEY": reads.key,
            "SCHEMATHESIS_HOOKS": "tests.end_to_end.openapi.checks",
            "PYTHONPATH": str(PROJECT),
            "NO_COLOR": "1",
        },
        cwd=tmp_path,  # it keeps what it found there
        capture_output=True,
        text=True,
        check=False,
        timeout=550,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Authentication failed" not in said.stdout  # else a route was not tried beyond its door
    routes = json.loads(started.request("GET", "/openapi.json")[2])["paths"]
    assert f"Tested: {len(routes) - 1}" in said.stdout  # it leaves out where it was given the document
    assert not started.process.said("request_failed")
