"""The command measures a size in a process of its own, and workers on a real Apache Kafka."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracehound.infra.kafka.broker import Broker
from tracehound.scripts.benchmarks.scale import workers as scale_workers
from tracehound.scripts.benchmarks.scale.__main__ import main
from tracehound.scripts.benchmarks.scale.workload import Size


def test_a_size_is_measured_without_a_broker(tmp_path: Path) -> None:
    tiny = "--operations 3 --segments 2 --learned 200 --measured 100 --kind none"

    result = CliRunner().invoke(main, [*tiny.split(), "--output", str(tmp_path)])

    assert result.exit_code == 0, result.output
    [point] = json.loads((tmp_path / "scale.json").read_text())["points"]
    assert (point["operations"], point["segments"], point["applications"]) == (3, 2, 1)
    assert point["us_per_execution"] > 1.0
    assert point["snapshot_bytes"] > 1_000
    assert point["restore_s"] > 0.0


@pytest.mark.timeout(600)
def test_workers_score_all_that_is_sent(kafka: Broker, tmp_path: Path) -> None:
    crew = scale_workers.measure(kafka, tmp_path, 1, Size(20, 1), 60_000)

    assert (crew.workers, crew.operations, crew.least_share) == (1, 20, 1.0)
    assert crew.executions_per_second > 0.0
    assert crew.resident_mb > 10.0
