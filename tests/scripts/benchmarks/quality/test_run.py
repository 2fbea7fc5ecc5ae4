import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.progress import Progress

from tracehound.scripts.benchmarks.quality.__main__ import main
from tracehound.scripts.benchmarks.quality.baselines import baselines_of
from tracehound.scripts.benchmarks.quality.figures import Detection, Figures, Truth, figures_of
from tracehound.scripts.benchmarks.quality.plots import draw_precision_recall, draw_timeline
from tracehound.scripts.benchmarks.quality.report import TARGETS, report
from tracehound.scripts.benchmarks.quality.run import Judged, judge
from tracehound.scripts.benchmarks.quality.workload import PATHS, DataSet
from tracehound.scripts.recorded.traces import FaultWindow, open_recording

Write = Callable[[Path], Path]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, write_windows: Write, write_paths: Write) -> list[Judged]:
    folder = tmp_path_factory.mktemp("recordings")
    names = ("train_ticket_30", "online_boutique_22")
    data_sets = [DataSet(open_recording(write_windows(folder / name)), 200) for name in names]
    data_sets.append(DataSet(open_recording(write_paths(folder / "train_ticket_paths")), 300))
    with ThreadPoolExecutor(1) as pool, Progress(console=Console(quiet=True)) as bar:
        return judge(data_sets, bar, pool)


@pytest.fixture
def document(judged: list[Judged]) -> Figures:
    observed = {"application_days": 3.0, "nominal_per_application_day": 10.0, "expected": 30.0, "false_alarms": 33}
    return {
        **{one.truth.data.name: one.figures() for one in judged},
        "us_per_execution": 12.0,
        "alarm_budget_ratio": 1.1,
        "alarm_budget": {"simulated": {**observed, "ratio": 1.1, "ratio_interval": [0.76, 1.54]}},
        "command": "make bench-quality",
        "machine": {"processor": "made up", "cores": 2, "python": "3.11"},
        "seconds": 90.0,
    }


def test_windows_have_every_figure_for_the_product_and_each_baseline(document: Figures) -> None:
    figures = document["train_ticket_30"]
    automatic = {"precision", "recall", "f1", "false_positive_rate", "windows", "windows_detected", "median_delay_s"}

    assert set(figures["baselines"]) == {baseline.name for baseline in baselines_of("train_ticket_30")}
    for found in (figures, *figures["baselines"].values()):
        assert {"ap_visible", "ap_all"} <= set(found)
        assert automatic <= set(found["automatic"])
    assert figures["base_rate"] == pytest.approx(60 / 300)
    assert figures["base_rate_all"] == pytest.approx(60 / (300 - 20 - 80))
    assert figures["automatic"]["windows"] == figures["automatic"]["windows_detected"] == 1
    assert 0 <= figures["automatic"]["median_delay_s"] < 60


def test_faults_that_labels_call_normal_are_left_out_in_a_second_set_of_figures(
    tmp_path: Path, write_windows: Write
) -> None:
    recording = open_recording(write_windows(tmp_path / "train_ticket_30"))
    started_s = np.array([trace.started_s for trace in recording.traces()])
    unlisted = FaultWindow(float(started_s[400]), "cart", "cpu_contention")
    data = DataSet(recording, 200, [unlisted])
    said = np.isin(np.arange(len(started_s)), [*range(400, 410), *range(300, 360)])

    found = figures_of(Detection(said.astype(np.float64), said), Truth(data, data.labels, started_s))

    assert found["automatic"]["precision"] == pytest.approx(60 / 70)
    assert found["ap_visible"] == pytest.approx(60 / 70)
    assert found["unlisted_ignored"]["precision"] == found["unlisted_ignored"]["ap_all"] == 1.0


def test_labels_per_trace_have_their_figures(document: Figures) -> None:
    figures = document["train_ticket_paths"]

    assert figures["base_rate"] == pytest.approx(0.2)
    for found in (figures, *figures["baselines"].values()):
        assert {"ap", "best_f1", "automatic"} <= set(found)
        assert {"precision", "recall", "f1"} <= set(found["automatic"])


def test_every_published_anomaly_is_somewhere(document: Figures) -> None:
    published = document["train_ticket_30"]["published"]
    places = ("in_windows", "in_margins", "in_warm_up", "in_pauses", "false_alarms")

    assert sum(published[place] for place in places) == published["anomalies"]
    assert published["windows_with_anomaly"] == 1


def test_every_injected_fault_is_told_with_what_was_found(document: Figures) -> None:
    [found] = document["train_ticket_30"]["injected"]

    assert (found["service"], found["fault"], found["visible"]) == ("cart", "network_delay", True)
    assert found["alarming_traces"] >= 30
    assert found["delay_s"] == document["train_ticket_30"]["automatic"]["median_delay_s"]
    assert found["anomalies"] == document["train_ticket_30"]["published"]["in_windows"]
    assert f"| cart | network_delay | yes | {found['alarming_traces']} |" in report(document, "")


def test_the_report_shows_every_detector_and_whether_each_target_is_met(document: Figures) -> None:
    text = report(document, "train_ticket_30, network_delay at cart")

    for name in ("train_ticket_30", "online_boutique_22", "train_ticket_paths"):
        section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
        rows = [line.split("|")[1].strip() for line in section.split("![")[0].splitlines() if line.startswith("| ")]
        product = ["**tracehound**, structure", "all detectors, alarm budget"] if name == PATHS else ["**tracehound**"]
        assert rows[1:] == [*product, *(baseline.name for baseline in baselines_of(name))]
    assert text.count("| met |") + text.count("| **missed** |") == len(TARGETS)
    assert "| CPU µs per execution, features and detectors | ≤ 15 | 12 | met |" in text
    assert "| false alarms obtained over nominal | 0.67 to 1.5 | 1.1 | met |" in text
    assert "| simulated | 3.00 | 10.00 | 30.0 | 33 | 1.10 | 0.76 to 1.54 |" in text


def test_plots_are_the_same_every_time(judged: list[Judged], tmp_path: Path) -> None:
    windows, _, paths = judged
    draw_precision_recall(paths, tmp_path / "first.svg")
    draw_precision_recall(paths, tmp_path / "second.svg")
    drawn = draw_timeline(windows, tmp_path / "timeline.png")

    text = (tmp_path / "first.svg").read_text()
    assert text == (tmp_path / "second.svg").read_text()
    assert all(baseline.name in text for baseline in baselines_of("train_ticket_paths"))
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert drawn is not None
    assert drawn.window.service == "cart"
    assert draw_timeline(paths, tmp_path / "none.png") is None


def test_the_command_prints_the_products_figures_alone(tmp_path: Path, write_paths: Write) -> None:
    write_paths(tmp_path / "traces" / "train_ticket_paths")
    arguments = ["--data", str(tmp_path), "--only", "train_ticket_paths", "--no-baselines"]

    done = CliRunner().invoke(main, arguments, catch_exceptions=False)

    assert done.exit_code == 0
    figures = json.loads(done.stdout)["train_ticket_paths"]
    assert figures["base_rate"] == 0.2
    assert "baselines" not in figures


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--data", str(tmp_path)])

    assert done.exit_code == 1
    assert "train_ticket_30/events.jsonl.gz" in done.stderr
    assert "not part of this repository" in done.stderr
