from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tracehound.scripts.benchmarks.house.suite import suite_figures
from tracehound.scripts.benchmarks.house.tree import tree_figures

RUN = """<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="0" failures="{failures}" skipped="1"
 tests="12" time="61.26">{cases}</testsuite></testsuites>"""
CASE = '<testcase classname="tests.test_a" name="test_{0}" time="{0}.04" />'


def write(file: Path, failures: int = 0) -> Path:
    file.write_text(RUN.format(failures=failures, cases="".join(CASE.format(number) for number in range(12))))
    return file


def test_the_slowest_of_a_run_are_told_slowest_first(tmp_path: Path) -> None:
    figures = suite_figures(write(tmp_path / "junit.xml"))
    assert (figures["suite_seconds"], figures["tests"], figures["skipped"]) == (61.3, 12, 1)
    assert figures["slowest_tests"][0] == {"test": "tests.test_a::test_11", "seconds": 11.0}
    assert [one["seconds"] for one in figures["slowest_tests"]] == [float(number) for number in range(11, 1, -1)]


def test_a_run_with_failures_measures_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must have no failures\. Got 2 instead"):
        suite_figures(write(tmp_path / "junit.xml", failures=2))


def test_the_tree_is_counted() -> None:
    figures = tree_figures(PROJECT)
    imports = figures["imports_between_detectors_packages"]
    assert isinstance(imports, int)
    assert 20 < imports < 18 * 17 / 2, "rooms are there, and each pair in one direction at most"
    assert figures["longest_file_lines"] == len((PROJECT / str(figures["longest_file"])).read_text().splitlines())
