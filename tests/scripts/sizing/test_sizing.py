"""Sizes follow from measured figures: what was measured comes out again, and more load never needs less."""

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.checkout import PROJECT
from tracehound.scripts.cli import main
from tracehound.scripts.sizing.__main__ import main as write
from tracehound.scripts.sizing.measured import Measured, measured, measured_by
from tracehound.scripts.sizing.reckoning import Load, Prices, Size, size, worker_us

FIGURES = measured()
LOADS = st.builds(
    Load,
    applications=st.integers(1, 1_000_000),
    rate=st.floats(0.001, 1e6),
    peak=st.floats(1.0, 10.0),
    operations=st.integers(1, 2_000),
    segments=st.floats(0.0, 100.0),
    per_record=st.integers(1, 100),
    spans=st.booleans(),
)


def of(load: Load, figures: Measured = FIGURES) -> Size:
    return size(load, figures, Prices())


def test_figures_are_those_of_the_benchmarks() -> None:
    assert measured_by(PROJECT / "docs/benchmarks") == FIGURES


def test_figures_that_are_not_current_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "measured.json"
    assert write(PROJECT / "docs/benchmarks", file, check=False) == 0
    assert write(PROJECT / "docs/benchmarks", file, check=True) == 0
    file.write_text(file.read_text().replace("worker_us", "worker_ms"))
    assert write(PROJECT / "docs/benchmarks", file, check=True) == 1
    assert "is not current" in capsys.readouterr().out


def test_the_load_that_was_measured_costs_what_was_measured() -> None:
    operations, segments = FIGURES.worker_operations, FIGURES.worker_segments
    assert worker_us(FIGURES, operations, segments, 1) == pytest.approx(FIGURES.worker_us)
    assert worker_us(FIGURES, operations, segments, 10_000) == pytest.approx(FIGURES.worker_us_in_arrays, rel=0.01)


@pytest.mark.parametrize("point", FIGURES.detectors, ids=lambda point: f"{point.operations} operations")
def test_detectors_cost_what_was_measured_at_each_point(point: object) -> None:
    for segments, us in point.us_by_segments.items():  # type: ignore[attr-defined]
        base = worker_us(FIGURES, 1, 1, 1) - FIGURES.detectors[0].us_by_segments[1]
        assert worker_us(FIGURES, point.operations, segments, 1) == pytest.approx(base + us)  # type: ignore[attr-defined]


@given(load=LOADS, more=st.floats(1.0, 10.0))
def test_more_never_needs_less(load: Load, more: float) -> None:
    small, large = of(load), of(dataclasses.replace(load, rate=load.rate * more))
    assert large.workers >= small.workers >= 2
    assert large.kafka_disk_gb >= small.kafka_disk_gb
    assert large.intakes >= small.intakes
    assert small.partitions >= small.workers


@given(load=LOADS)
def test_no_worker_is_busier_than_asked_for_once_one_is_lost(load: Load) -> None:
    found = of(load)
    assert load.rate * load.peak * found.worker_us / 1e6 / (found.workers - 1) <= load.busy * (1 + 1e-9)


def test_memory_is_that_of_what_each_learns_when_one_is_lost() -> None:
    found = of(Load(applications=5_000, rate=10.0))
    assert found.workers == 2
    assert found.worker_memory_mb == pytest.approx(FIGURES.base_mb + FIGURES.bytes_per_operation * 100_000 / 2**20)


def test_spans_need_intake_and_a_gateway_and_are_kept_three_times() -> None:
    executions, spans = of(Load(applications=10, rate=1_000.0)), of(Load(applications=10, rate=1_000.0, spans=True))
    assert (executions.intakes, executions.gateways) == (0, 0)
    assert spans.intakes >= 2
    assert spans.gateways >= 2
    assert spans.kafka_disk_gb > 2.9 * executions.kafka_disk_gb


@pytest.mark.parametrize(
    ("load", "sentence"),
    [
        (Load(applications=1, rate=50_000.0), "an application is one partition's"),
        (Load(applications=100_000, rate=10.0, operations=1), "applications_per_worker"),
        (Load(applications=1_000, rate=10.0, operations=1_000), "model_memory_mb"),
    ],
)
def test_what_does_not_go_by_itself_is_said(load: Load, sentence: str) -> None:
    assert any(sentence in warning for warning in of(load).warnings)
    assert of(Load(applications=10, rate=10.0)).warnings == ()


def test_the_command_tells_people_and_programs() -> None:
    asked = ["size", "--applications", "200", "--rate", "2000"]
    told = CliRunner().invoke(main, asked)
    assert told.exit_code == 0
    assert "workers" in told.output
    assert FIGURES.sources["scale.json"] in told.output.replace("\n", " ")
    program = json.loads(CliRunner().invoke(main, [*asked, "--json"]).output)
    assert program["size"]["workers"] == of(Load(applications=200, rate=2_000.0)).workers
    assert program["measured_on"] == FIGURES.sources


@pytest.mark.parametrize("wrong", [["--rate", "0"], ["--rate", "nan"], ["--applications", "0"], ["--busy", "1.5"]])
def test_what_is_no_load_is_refused(wrong: list[str]) -> None:
    asked = CliRunner().invoke(main, ["size", "--applications", "2", "--rate", "2", *wrong])
    assert asked.exit_code == 2
    assert wrong[0] in asked.output
