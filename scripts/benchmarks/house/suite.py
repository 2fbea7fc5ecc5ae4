"""Figures of a run of all tests, from the file that pytest writes of it."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

SLOWEST = 10


def suite_figures(junit: Path) -> dict[str, Any]:
    """How long a run took, how many tests it had, and its slowest ones with their fixtures.

    Raises:
        ValueError: there is no run in the file, or a test of it failed: such a run measures nothing.
    """
    suite = ElementTree.parse(junit).getroot().find("testsuite")  # noqa: S314 (a file of our own)
    if suite is None:
        raise ValueError(f"{junit} must hold a run of pytest.")
    if broken := int(suite.attrib["failures"]) + int(suite.attrib["errors"]):
        raise ValueError(f"The run in {junit} must have no failures. Got {broken} instead.")
    cases = [(float(case.attrib["time"]), f"{case.attrib['classname']}::{case.attrib['name']}") for case in suite]
    return {
        "suite_seconds": round(float(suite.attrib["time"]), 1),
        "tests": int(suite.attrib["tests"]),
        "skipped": int(suite.attrib["skipped"]),
        "slowest_tests": [
            {"test": name, "seconds": round(seconds, 1)} for seconds, name in sorted(cases, reverse=True)[:SLOWEST]
        ],
    }
