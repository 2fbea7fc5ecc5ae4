"""What a drill plants and takes for told, and what it says where nothing is."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.scripts.conftest import Run
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.drill import DRILL_APPLICATION
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.topics import Topics
from tracehound.scripts.cli import main
from tracehound.scripts.commands.drill import Drill, drill, is_told, write_metrics
from tracehound.scripts.commands.tail import Selection

NOW_S = 1_790_000_000.0


def test_what_is_planted_is_labelled_and_past() -> None:
    planned = Drill.drawn()
    usual, slow = list(planned.usual(NOW_S)), list(planned.slow(NOW_S))
    assert (len(usual), len(slow)) == (200, 10)
    assert {one.application for one in usual + slow} == {DRILL_APPLICATION}
    assert {one.operation for one in usual + slow} == {planned.operation}
    assert {one.attributes["drill.label"] for one in usual} == {"usual"}
    assert {one.attributes["drill.label"] for one in slow} == {"slow"}
    assert {one.trace_id for one in slow} == planned.planted
    assert max(one.duration_ms for one in usual) * 20 < min(one.duration_ms for one in slow)
    times = [one.started_s for one in usual + slow]
    assert times == sorted(times)
    assert NOW_S - 12.0 < times[0] < times[-1] < NOW_S
    assert list(planned.slow(NOW_S)) == slow
    assert re.fullmatch("drill [a-z]{2}", planned.operation)


def test_another_drill_or_application_is_not_this_one(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    planned, other = Drill.drawn(), Drill.drawn()

    def told(application: str, trace_id: str) -> bool:
        event = make_anomaly(application, "latency", NOW_S)
        event.data = msgspec.structs.replace(event.data, exemplar_trace_ids=["x", trace_id])
        return is_told(event, planned)

    assert told(DRILL_APPLICATION, planned.trace_id(3))
    assert not told(DRILL_APPLICATION, other.trace_id(3))
    assert not told("shop", planned.trace_id(3))


def test_tail_passes_over_drills_unless_it_is_asked(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    event = make_anomaly(DRILL_APPLICATION, "latency", NOW_S)
    assert not Selection()(event)
    assert Selection(DRILL_APPLICATION)(event)
    assert Selection()(make_anomaly("shop", "latency", NOW_S))


@pytest.mark.usefixtures("topics")
def test_nothing_that_is_told_has_a_status_of_its_own(environment: Mapping[str, str], tmp_path: Path) -> None:
    file = tmp_path / "drill.prom"
    file.write_text("of the last one")
    arguments = ["drill", "--timeout", "1s", "--textfile", str(file)]
    result = CliRunner(env=environment).invoke(main, arguments)
    assert result.exit_code == 8
    assert result.stderr.startswith(f"tracehound: The slow executions of {DRILL_APPLICATION} must be told within 1 s.")
    assert file.read_text() == "of the last one"


def test_metrics_are_a_file_of_prometheus(tmp_path: Path, topics: Topics, run: Run) -> None:
    file = tmp_path / "drill.prom"
    write_metrics(file, 3.25, NOW_S)
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert lines == [
        "tracehound_drill_detected_seconds 3.25",
        "tracehound_drill_last_success_timestamp_seconds 1.79e+09",
    ]
    with pytest.raises(ConfigurationError, match="--textfile"):
        write_metrics(tmp_path / "none" / "drill.prom", 3.25, NOW_S)
    assert isinstance(run(drill, "--textfile", str(tmp_path / "drill.txt")).exception, ConfigurationError)
