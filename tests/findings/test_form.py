"""The findings have their form: what they are of, what one expects, what is so; they are not run here."""

import os
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
_FIELD = re.compile(r"^# (version|expected|is|seen): +(\S.*)$", re.MULTILINE)
_PINNED = re.compile(r"==[\d$]|@v?\d|<version>\d")


def _head(script: Path) -> str:
    """The comment a script begins with, after the line that names its interpreter."""
    first, *lines = script.read_text().splitlines()
    assert first == "#!/usr/bin/env bash"
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(lines[:end])


def test_there_are_findings() -> None:
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_says_what_it_is(script: Path) -> None:
    assert os.access(script, os.X_OK)
    head = _head(script)
    assert re.match(r"# [A-Z].*\.$", head.split("\n#\n", maxsplit=1)[0], re.DOTALL), "one sentence first"
    assert [field for field, _ in _FIELD.findall(head)] == ["version", "expected", "is", "seen"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_is_a_bounded_script_of_its_own(script: Path) -> None:
    text = script.read_text()
    checked = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
    for wanted in ("set -euo pipefail", "mktemp -d", "trap ", "rm -rf", "timeout "):
        assert wanted in text
    assert _PINNED.search(text), "packages are pinned"
    assert "tracehound" not in text, "it runs without the product"


def test_the_index_names_every_finding_once() -> None:
    named = re.findall(r"^\| \[[^\]]+\]\(([^)]+\.sh)\)", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == [script.name for script in SCRIPTS]


def test_the_documents_name_findings_that_there_are() -> None:
    documents = sorted((FOLDER.parent / "docs").rglob("*.md"))
    named = {name for page in documents for name in re.findall(r"\(\S*findings/([^)]+\.sh)\)", page.read_text())}
    assert named
    assert named <= {script.name for script in SCRIPTS}
