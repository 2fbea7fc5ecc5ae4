"""The workflows of a public CI: they are valid, and run what a person runs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import PROJECT

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(), re.MULTILINE))
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / f".github/workflows/{name}.yml").read_text())["jobs"]
    return found


def commands(job: dict[str, Any]) -> list[str]:
    """What the steps of a job run, once for each value of the matrix that a command names."""
    found: list[str] = []
    for step in job["steps"]:
        run = str(step.get("run", ""))
        if named := re.search(r"\$\{\{ matrix\.(\w+) \}\}", run):
            found += [run.replace(named[0], value) for value in job["strategy"]["matrix"][named[1]]]
        elif run:
            found.append(run)
    return found


def test_there_are_four() -> None:
    assert [file.stem for file in WORKFLOWS] == ["fuzz", "nightly", "release", "tests"]


def test_a_release_is_checked_and_published_without_a_secret() -> None:
    found = jobs("release")
    assert commands(found["build"])[-3:] == ["make check", "make audit", "make release"]
    assert found["publish"]["permissions"]["id-token"] == "write"
    assert "secrets." not in (PROJECT / ".github/workflows/release.yml").read_text()


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_is_valid(file: Path) -> None:
    """By the schema of workflows that its checker brings along."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    run = subprocess.run(check, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", [file.stem for file in WORKFLOWS])
def test_every_command_is_one_of_ours(name: str) -> None:
    found = [command for job in jobs(name).values() for command in commands(job)]
    assert {command.removeprefix("make ") for command in found if command.startswith("make ")} <= TARGETS
    assert {command for command in found if not command.startswith("make ")} <= {"sudo .ci/packages"}


def test_a_change_is_checked_and_tested_as_by_ci_on_every_python() -> None:
    [job] = jobs("tests").values()
    ours = [line for line in (PROJECT / ".ci/run").read_text().splitlines() if line.startswith(("make ", ".ci/"))]
    assert [one.removeprefix("sudo ") for one in commands(job) if one != "make setup"] == ours
    assert job["strategy"]["matrix"]["python"] == PYTHONS
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    offered = [one.rpartition(" ")[2] for one in project["classifiers"] if "Python :: 3." in one]
    assert (offered, project["requires-python"]) == (PYTHONS, f">={PYTHONS[0]}")


def test_every_night_there_is_a_soak_and_benchmarks() -> None:
    [job] = jobs("nightly").values()
    assert "make soak" in commands(job)
    assert sum(command.startswith("make bench-") for command in commands(job)) >= 3
