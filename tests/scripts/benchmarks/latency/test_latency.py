"""The command measures on a real Apache Kafka, with a worker of its own."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracehound.infra.kafka.broker import Broker
from tracehound.scripts.benchmarks.latency.__main__ import main


@pytest.mark.timeout(600)
def test_every_planted_execution_is_answered(kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    tiny = "--kind external --maximum 400 --backlog 800 --applications 2 --operations 2 --share 0.5 --rounds 1"
    times = "--seconds 1 --settle 0.5 --plant-every 0.25"

    result = CliRunner().invoke(main, [*tiny.split(), *times.split(), "--output", str(tmp_path)])

    assert result.exit_code == 0, result.output
    level = json.loads((tmp_path / "latency.json").read_text())["levels"]["0.5"]
    assert (level["samples"], level["unanswered"]) == (4, 0)
    assert 0 <= level["p50_ms"] <= level["longest_ms"] < 60_000
