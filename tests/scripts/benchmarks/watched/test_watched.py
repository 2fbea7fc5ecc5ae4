"""Figures are taken from a run that has all of them, and from no other."""

from pathlib import Path

import pytest

from tracehound.scripts.benchmarks.watched.__main__ import FIGURES, watched


def run(folder: Path, failures: int = 0, left_out: str = "") -> Path:
    noted = "".join(f'<property name="{name}" value="7"/>' for name in FIGURES if name != left_out)
    suite = f'<testsuite failures="{failures}" errors="0"><properties>{noted}</properties></testsuite>'
    file = folder / "run.xml"
    file.write_text(f"<testsuites>{suite}</testsuites>")
    return file


def test_figures_are_what_tests_have_noted(tmp_path: Path) -> None:
    assert watched(run(tmp_path)) == dict.fromkeys(FIGURES, 7)


def test_a_run_that_failed_or_left_something_out_measures_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without failures"):
        watched(run(tmp_path, failures=1))
    with pytest.raises(ValueError, match="lacks alerts_fired_and_resolved: were these tests left out"):
        watched(run(tmp_path, left_out="alerts_fired_and_resolved"))
