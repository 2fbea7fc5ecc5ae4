"""A drill with a real worker and a real worker of incidents: it is told, and nobody is woken."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import Field, WorkerProcess, wait_until_within
from tests.end_to_end.incident_stage import Stage
from tracehound.scripts.cli import main
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings


def test_drills_are_told_one_after_the_other_and_make_no_incident(
    field: Field, worker: Callable[..., WorkerProcess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in field.environment.items():
        monkeypatch.setenv(name, value)
    worker(field.environment)
    incidents = Stage(field, worker).start()
    file, begun_s = tmp_path / "drill.prom", 0.0
    for _ in range(2):
        begun_s = time.time()
        result = CliRunner().invoke(main, ["drill", "--timeout", "5m", "--json", "--textfile", str(file)])
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout)
        assert said["detected_seconds"] > 0.0
        assert f"tracehound_drill_detected_seconds {said['detected_seconds']}" in file.read_text()
    wait_until_within(
        lambda: incidents.counted("drill_last_success_timestamp_seconds") >= begun_s, "incidents have seen it", 120.0
    )
    assert incidents.counted("drill_detected_seconds") > 0.0
    settings = Settings()
    with TopicReader(settings) as reader:
        assert reader.ends(settings.topics.anomalies.name)
        assert not reader.ends(settings.topics.severity.name)
