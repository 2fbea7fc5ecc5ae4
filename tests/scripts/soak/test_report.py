"""Figures of several commands come together in one file and on one page."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tracehound.scripts.soak.campaign import Trial, summary
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.report import SOAK, update
from tracehound.scripts.soak.soak import Samples, Soaked

SOUND = Verdict(executions=1_000, applications=5, anomalies=7, anomalies_repeated=2)
BAD = Verdict(executions=500, lost=3, learned_twice=2, anomalies_missing=1, ids_differing=4, states_differing=1)


SAMPLES = Samples(resident_mb=[(50.0, 350.0)], steady_mb=[(0.0, 250.0), (15.0, 300.0), (30.0, 301.5)], lag=[(1.0, 5)])


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reliability.json").read_text())
    return found


def test_runs_of_a_fault_add_up() -> None:
    figures = summary("zombie", [Trial("zombie", SOUND), Trial("zombie", BAD), Trial("zombie", Verdict(), "It hung.")])
    assert figures == {
        "name": "zombie",
        "runs": 3,
        "executions": 1_500,
        "lost": 3,
        "learned_twice": 2,
        "states_differing": 1,
        "anomalies": 7,
        "anomalies_missing": 1,
        "ids_differing": 4,
        "anomalies_repeated": 2,
        "failures": ["It hung."],
    }


def test_each_command_adds_its_figures_and_replaces_its_own(tmp_path: Path) -> None:
    update(tmp_path, {"faults": [summary(SOAK, [Trial(SOAK, SOUND)])]})
    update(tmp_path, {"faults": [summary("zombie", [Trial("zombie", BAD)])]})
    update(tmp_path, {"faults": [summary("zombie", [Trial("zombie", SOUND)])], "note": 1})
    figures = read(tmp_path)
    assert figures["note"] == 1
    assert [(fault["name"], fault["lost"]) for fault in figures["faults"]] == [("zombie", 0), (SOAK, 0)]


def test_the_page_shows_what_failed(tmp_path: Path) -> None:
    update(tmp_path, {"faults": [summary("zombie", [Trial("zombie", BAD), Trial("zombie", Verdict(), "It hung.\nx")])]})
    page = (tmp_path / "reliability.md").read_text()
    assert "| zombie | 2 | 500 | 3 | 2 | 1 | 0 | 1 | 4 | 0 |" in page
    assert "Without a verdict: It hung." in page
    assert "SIGSTOP one worker" in page
    assert "Soak" not in page


def test_the_page_of_everything_names_all_figures(tmp_path: Path) -> None:
    soaked = Soaked(30.0, 1_234.0, 2, Counter(zombie=2), SAMPLES, SOUND)
    update(tmp_path, {**soaked.figures(), "most_per_second": 2_468, "faults": [summary(SOAK, [Trial(SOAK, SOUND)])]})
    restart = {"restart_seconds_10000_applications": 9.0, "restart_caught_up_seconds": 12.0}
    copies = {"restart_seconds_10000_applications_state_dir": 5.0, "restart_caught_up_seconds_state_dir": 8.0}
    update(tmp_path, restart | copies)
    memory = {"bytes_per_operation_100000": 13_000, "rss_bytes_per_operation_100000": 15_000, "forests_100000": 1_000}
    update(tmp_path, memory)
    page = (tmp_path / "reliability.md").read_text()
    for wanted in (
        "30 minutes",
        "1,234 executions",
        "2,468 a second",
        "zombie 2×",
        "+1.5 MB",
        "350 MB",
        "9.0 s",
        "13,000 bytes",
    ):
        assert wanted in page
    assert read(tmp_path)["soak_minutes"] == 30.0
