"""The benchmark of suspected causes, on a small recording with one fault between gateway and cart."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.incident_input import IncidentInput
from tracehound.scripts.benchmarks.incidents.__main__ import main
from tracehound.scripts.benchmarks.incidents.baselines import BASELINES
from tracehound.scripts.benchmarks.incidents.report import report
from tracehound.scripts.benchmarks.incidents.run import Figures, Hits, figures_of
from tracehound.scripts.benchmarks.incidents.windows import AGES_S, Inquiry, WindowCause
from tracehound.scripts.benchmarks.incidents.workload import incident_inputs
from tracehound.scripts.benchmarks.quality.workload import WITH_FAULTS, DataSet
from tracehound.scripts.recorded.traces import FaultWindow, open_recording

Write = Callable[[Path], Path]
NOTHING = FaultWindow(1_700_000_000 + 3 * 480, "gateway", "cpu_contention", visible=False)
"""A fault without any effect, near the end."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, write_windows: Write) -> DataSet:
    return DataSet(open_recording(write_windows(tmp_path_factory.mktemp("recordings") / "train_ticket_30")), 200)


@pytest.fixture(scope="module")
def records(data: DataSet) -> list[IncidentInput]:
    return list(incident_inputs(data, Scorer(DetectionSettings(), InlineFitter())))


@pytest.fixture(scope="module")
def causes(data: DataSet, records: list[IncidentInput]) -> list[WindowCause]:
    inquiry = Inquiry(IncidentBook(IncidentSettings()), [*data.windows, NOTHING])
    inquiry.follow(records)
    return inquiry.causes


@pytest.fixture
def document(causes: list[WindowCause]) -> Figures:
    machine = {"processor": "made up", "cores": 2, "python": "3.11"}
    return {"train_ticket_30": figures_of(causes), "command": "make", "machine": machine, "seconds": 90.0}


def test_progress_counts_every_execution_and_call_once(data: DataSet, records: list[IncidentInput]) -> None:
    progress = [record.progress for record in records if record.progress is not None]
    executions = [one for trace in data.recording.traces() for one in trace.executions]
    calls = [segment for one in executions for segment in one.segments if segment.peer]

    assert sum(one.executions for one in progress) == len(executions)
    assert sum(one.calls.get("cart", 0) for one in progress) == len(calls)
    assert sum(one.anomalies for one in progress) == sum(record.anomaly is not None for record in records)


def test_what_goes_on_without_being_told_is_part_of_progress(records: list[IncidentInput]) -> None:
    told = {record.anomaly.data.incident_key for record in records if record.anomaly is not None}
    ongoing = {key for record in records if record.progress is not None for key in record.progress.ongoing}
    assert ongoing
    assert ongoing <= told


def test_the_service_behind_slow_calls_is_found(causes: list[WindowCause]) -> None:
    cart, _ = causes
    last = cart.answers[-1]
    assert [answer.age_s for answer in cart.answers] == list(AGES_S)
    assert last.place == 1
    assert last.causes[0].application == cart.told == "cart"
    assert cart.first_s is not None
    assert last.baselines["highest score"] != 1


def test_a_fault_without_anomalies_has_no_cause(causes: list[WindowCause]) -> None:
    _, nothing = causes
    assert [answer.place for answer in nothing.answers] == [None] * len(AGES_S)
    assert nothing.told is None


def test_only_visible_faults_count_for_the_target(document: Figures) -> None:
    figures = document["train_ticket_30"]
    assert (figures["windows"], figures["cause_top1"], figures["cause_top3"]) == (1, 1.0, 1.0)
    assert figures["all_windows"] == {"windows": 2, "cause_top1": 0.5, "cause_top3": 0.5}
    assert set(figures["baselines"]) == set(BASELINES)
    assert [fault["place"] for fault in figures["faults"]] == [1, None]


def test_faults_without_an_answer_count_as_wrong() -> None:
    unanswered = WindowCause(NOTHING)
    assert Hits.of([unanswered]) == Hits(1, 0, 0)


def test_the_report_has_a_row_for_each_method_and_fault(document: Figures) -> None:
    text = report(document)
    assert "first in 100 % of 1 visible faults (target 90 %: met)" in text
    assert all(f"| {name} |" in text for name in BASELINES)
    assert "| cart | network_delay | yes |" in text
    assert "| gateway | cpu_contention | no | – | 0 | none | – | – |" in text


def test_missing_recordings_are_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "online_boutique_22" in result.output


def test_a_complete_run_writes_figures_and_report(tmp_path: Path, write_windows: Write) -> None:
    for name in WITH_FAULTS:
        write_windows(tmp_path / "traces" / name)
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "--output", str(tmp_path / "out")])

    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "incidents.json").read_bytes())
    assert document["online_boutique_22"]["cause_top1"] == 1.0
    assert (tmp_path / "out" / "incidents.md").read_text() == report(document)
