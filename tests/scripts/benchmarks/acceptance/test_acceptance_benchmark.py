"""The verdict on labelled recordings, on a small one with one fault between gateway and cart."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.acceptance.timeline import Stretch
from tracehound.scripts.benchmarks.acceptance.__main__ import main
from tracehound.scripts.benchmarks.acceptance.run import Figures, Teller, figures_of, incidents_of, lists_of
from tracehound.scripts.benchmarks.acceptance.watched import Watched
from tracehound.scripts.benchmarks.quality.workload import WITH_FAULTS, DataSet
from tracehound.scripts.commands.replay import with_templates
from tracehound.scripts.documents.check_figures import check
from tracehound.scripts.documents.measured import Measured
from tracehound.scripts.recorded.offline import score_traces
from tracehound.scripts.recorded.traces import FaultWindow, open_recording

Write = Callable[[Path], Path]
INJECTED = FaultWindow(1_700_000_900.0, "cart", "network_delay")
HIDDEN = FaultWindow(1_700_001_300.0, "cart", "cpu_contention", visible=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, write_windows: Write) -> DataSet:
    return DataSet(open_recording(write_windows(tmp_path_factory.mktemp("recordings") / "train_ticket_30")), 200)


@pytest.fixture(scope="module")
def figures(data: DataSet) -> Figures:
    return figures_of(data)


def test_only_time_that_was_watched_counts() -> None:
    watched = Watched([60.0, 119.0, 125.0, 6_000.0])
    assert (watched.minutes, watched.seconds) == (3, 180.0)
    given = [
        Stretch(0.0, 59.0),  # before it
        Stretch(30.0, 90.0, 2.0),  # begins before it
        Stretch(170.0, 6_010.0, 3.0),  # over the gap
        Stretch(300.0, 900.0),  # within the gap
        Stretch(6_059.0, 9_000.0),  # ends after it
        Stretch(400.0, 400.0),
        Stretch(6_030.0, 6_030.0, 4.0),
    ]
    assert watched.within(given) == [
        Stretch(0.0, 30.0, 2.0),
        Stretch(110.0, 130.0, 3.0),
        Stretch(179.0, 180.0),
        Stretch(150.0, 150.0, 4.0),
    ]


def test_lists_are_of_what_shows_of_all_and_of_what_nobody_listed(data: DataSet) -> None:
    assert lists_of(data) == {"visible": data.windows, "all": data.windows}
    recording = DataSet(open_recording(data.recording.events.parent), 200, [HIDDEN])
    assert lists_of(recording)["all and unlisted"] == [*data.windows, HIDDEN]
    assert incidents_of([INJECTED]) == [Stretch(1_700_000_900.0, 1_700_001_080.0)]


def test_alerts_are_incidents_and_scores_those_of_anomalies(data: DataSet) -> None:
    teller = Teller(Scorer(DetectionSettings(), InlineFitter()))
    kept = score_traces(map(with_templates, data.recording.traces()), teller)
    assert len(teller.told.scores()) == len(kept.anomalies) > 0
    assert {one.score for one in teller.told.scores()} == {event.data.score for event in kept.anomalies}
    during = [one for one in teller.told.alerts() if one.end_s > INJECTED.inject_s and one.start_s < HIDDEN.inject_s]
    assert during
    assert all(one.end_s > one.start_s for one in during)  # an incident lasts, which an anomaly need not


def test_a_fault_that_is_told_is_recalled_and_the_warm_up_is_not_judged(figures: Figures) -> None:
    visible = figures["lists"]["visible"]
    minute = visible["sizes"][0]
    assert (figures["minutes"], visible["incidents"], minute["bucket_s"]) == (16, 1, 60.0)
    assert minute["recall"] > 0.5
    assert minute["prevalence"] == pytest.approx(4 / 16, abs=1 / 16)
    assert visible["verdict"] in {"PASS", "EXCLUDE", "INSUFFICIENT", "UNSTABLE"}


def test_what_was_never_wrong_has_no_verdict(data: DataSet) -> None:
    recording = open_recording(data.recording.events.parent)
    quiet = DataSet(type(recording)(recording.name, recording.events, recording.labels, [HIDDEN]), 200)
    found = figures_of(quiet)["lists"]
    assert found["visible"]["verdict"] == "INSUFFICIENT"
    assert found["visible"]["reasons"] == ["No bucket was an incident."]


def test_missing_recordings_are_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "online_boutique_22" in result.output


def test_a_complete_run_writes_figures_that_make_a_table(tmp_path: Path, write_windows: Write) -> None:
    for name in WITH_FAULTS:
        _mark_warm_up(write_windows(tmp_path / "traces" / name) / "labels.jsonl.gz")
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "--output", str(tmp_path / "out")])

    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "check.json").read_bytes())
    assert list(document["recordings"]) == list(WITH_FAULTS)
    shown = check(Measured(tmp_path / "out"))
    for name, one in document["recordings"].items():
        assert f"| {name}, visible | " in shown
        assert f"| **{one['lists']['visible']['verdict']}** |" in shown
    assert document["commit"] in shown


def _mark_warm_up(labels: Path) -> None:
    """What is known of the recordings that these are named after is longer than they."""
    lines = [json.loads(line) for line in gzip.decompress(labels.read_bytes()).splitlines()]
    marked = [line | ({"part": "train"} if number < 200 else {}) for number, line in enumerate(lines)]
    labels.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in marked).encode()))
