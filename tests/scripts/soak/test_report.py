"""Figures of several commands come together in one file and on one page."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tracehound.scripts.documents.stored import stamped
from tracehound.scripts.soak.campaign import Trial, summary
from tracehound.scripts.soak.checker import Verdict
from tracehound.scripts.soak.report import SOAK, update
from tracehound.scripts.soak.scene import PACES
from tracehound.scripts.soak.soak import Samples, Soaked

SOUND = Verdict(executions=1_000, applications=5, anomalies=7, anomalies_repeated=2, refused=9, not_buried=1)
BAD = Verdict(executions=500, lost=3, learned_twice=2, anomalies_missing=1, ids_differing=4, states_differing=1)


PACE = PACES["short"]
SAMPLES = Samples(resident_mb=[(50.0, 350.0)], steady_mb=[(0.0, 250.0), (15.0, 300.0), (30.0, 301.5)], lag=[(1.0, 5)])


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reliability.json").read_text())
    return found


def test_runs_of_a_fault_add_up() -> None:
    trials = [Trial("zombie", SOUND), Trial("zombie", BAD), Trial("zombie", Verdict(), "It hung.")]
    figures = summary("zombie", trials, PACE)
    assert figures == {
        "name": "zombie",
        "runs": 3,
        "rounds": 2,
        "rate": 300,
        "executions": 1_500,
        "lost": 3,
        "learned_twice": 2,
        "states_differing": 1,
        "anomalies": 7,
        "anomalies_missing": 1,
        "ids_differing": 4,
        "anomalies_repeated": 2,
        "refused": 9,
        "not_buried": 1,
        "failures": ["It hung."],
    }


def test_each_command_adds_its_figures_and_replaces_its_own(tmp_path: Path) -> None:
    update(tmp_path, "faults", {"faults": [summary(SOAK, [Trial(SOAK, SOUND)], PACE)]})
    update(tmp_path, "faults", {"faults": [summary("zombie", [Trial("zombie", BAD)], PACE)]})
    update(tmp_path, "soak", {"faults": [summary("zombie", [Trial("zombie", SOUND)], PACE)], "note": 1})
    figures = read(tmp_path)
    assert figures["note"] == 1
    assert [(fault["name"], fault["lost"]) for fault in figures["faults"]] == [("zombie", 0), (SOAK, 0)]


def test_the_page_shows_what_failed(tmp_path: Path) -> None:
    trials = [Trial("zombie", BAD), Trial("zombie", Verdict(), "It hung.\nx")]
    update(tmp_path, "faults", {"faults": [summary("zombie", trials, PACE)]})
    page = (tmp_path / "reliability.md").read_text()
    assert "| zombie | 2 | 2 | 300 | 500 | 3 | 2 | 1 | 0 | 1 | 4 | 0 | 0 | 0 |" in page
    assert "Without a verdict: It hung." in page
    assert "SIGSTOP one worker" in page
    assert "Soak" not in page


def test_the_page_of_everything_names_all_figures(tmp_path: Path) -> None:
    soaked = Soaked(30.0, 1_234.0, 2, Counter(zombie=2), SAMPLES, SOUND)
    update(
        tmp_path,
        "soak",
        soaked.figures() | {"most_per_second": 2_468, "faults": [summary(SOAK, [Trial(SOAK, SOUND)], PACE)]},
    )
    restart = {"restart_seconds_10000_applications": 9.0, "restart_caught_up_seconds": 12.0}
    copies = {"restart_seconds_10000_applications_state_dir": 5.0, "restart_caught_up_seconds_state_dir": 8.0}
    update(tmp_path, "restart", restart | copies)
    memory = {"bytes_per_operation_100000": 13_000, "rss_bytes_per_operation_100000": 15_000, "forests_100000": 1_000}
    update(tmp_path, "memory", memory)
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


def test_what_is_measured_anew_leaves_commit_and_date_of_all_else_as_they_are(tmp_path: Path) -> None:
    soaked = Soaked(30.0, 1_234.0, 2, Counter(zombie=2), SAMPLES, SOUND)
    update(tmp_path, "soak", {**soaked.figures(), "faults": [summary(SOAK, [Trial(SOAK, SOUND)], PACE)]})
    update(tmp_path, "faults", {"faults": [summary("zombie", [Trial("zombie", SOUND)], PACE)]})
    simulated = {"seeds": 7, "violations": 0, "broken_protocols_found": 2, "broken_protocols": 2}
    update(tmp_path, "simulation", {"simulation": simulated | {"wall_s": 1_234, "cpu_s": 567}})
    now = stamped()
    file = tmp_path / "reliability.json"
    file.write_text(file.read_text().replace(now["commit"], "aged").replace(now["date"], "2001-02-03"))
    aged = {"commit": "aged", "date": "2001-02-03"}
    assert read(tmp_path) | aged == read(tmp_path)

    update(
        tmp_path, "memory", {"bytes_per_operation_100000": 1, "rss_bytes_per_operation_100000": 2, "forests_100000": 3}
    )
    update(tmp_path, "faults", {"faults": [summary("rolling_restart", [Trial("rolling_restart", SOUND)], PACE)]})
    found = read(tmp_path)
    faults = {fault["name"]: fault["commit"] for fault in found["faults"]}
    assert faults == {"zombie": "aged", SOAK: "aged", "rolling_restart": now["commit"]}
    assert found["measured"] == {"soak": aged, "memory": now}
    assert found["simulation"] == simulated | {"wall_s": 1_234, "cpu_s": 567} | aged
    assert {name: found[name] for name in now} == now, "of what was written last"
    page = (tmp_path / "reliability.md").read_text()
    assert "| zombie | 1 | 2 | 300 | 1,000 | 0 | 0 | 0 | 7 | 0 | 0 | 2 | 9 | 1 | 2001-02-03, `aged` |" in page
    assert "567 s of CPU time, in 1,234 s" in page
    assert page.count("Measured on 2001-02-03, commit `aged`.") == 2
    assert f"Measured on {now['date']}, commit `{now['commit']}`." in page


def test_what_a_fault_measured_stands_beside_it(tmp_path: Path) -> None:
    trials = [
        Trial("fuzzed_in_2_gb", SOUND, measured={"seconds": 3_600, "strange": 9_000, "peak_mb": peak_mb})
        for peak_mb in (800, 700)
    ]
    trials.append(Trial("fuzzed_in_2_gb", Verdict(), "It hung."))
    update(tmp_path, "faults", {"faults": [summary("fuzzed_in_2_gb", trials, PACE)]})
    page = (tmp_path / "reliability.md").read_text()
    assert "3,600 seconds; 9,000 records of strangers" in page
    assert "at most 800 MB" in page


def test_figures_of_before_rounds_were_told_are_still_shown(tmp_path: Path) -> None:
    old = summary("zombie", [Trial("zombie", SOUND)], PACE)
    del old["rounds"]
    update(tmp_path, "faults", {"faults": [old]})
    assert "| zombie | 1 | – | 300 |" in (tmp_path / "reliability.md").read_text()
