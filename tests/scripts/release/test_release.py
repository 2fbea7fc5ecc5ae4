"""A release says its version everywhere, names what is in it, and what is wrong keeps it from being built."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tracehound.scripts.release.__main__ import faults, sums, version_of
from tracehound.scripts.release.licences import names_in, refused

VERSION = version_of(PROJECT / "pyproject.toml")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that could be released."""
    for name in ("pyproject.toml", "infra/helm/tracehound/Chart.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n## {VERSION}\n- It is there.\n")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "a change")


def test_what_says_its_version_can_be_released_and_its_tag_is_no_hindrance(repository: Path) -> None:
    assert faults(repository) == []
    git(repository, "tag", f"v{VERSION}")
    assert faults(repository) == []


def test_what_cannot_be_released_says_why(repository: Path) -> None:
    git(repository, "tag", f"v{VERSION}")
    (repository / "CHANGELOG.md").write_text("# Changelog\n## Unreleased\n")
    assert faults(repository) == ["Files differ from what is committed.", f"CHANGELOG.md has no part '## {VERSION}'."]
    chart = repository / "infra/helm/tracehound/Chart.yaml"
    chart.write_text(chart.read_text().replace(f"appVersion: {VERSION}", "appVersion: 9.9.9"))
    commit(repository)
    assert faults(repository) == [
        f"CHANGELOG.md has no part '## {VERSION}'.",
        f"The tag v{VERSION} is at another commit: raise the version.",
        f"The chart's version and appVersion must be {VERSION}.",
    ]


def test_digests_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "b.whl").write_bytes(b"b")
    (tmp_path / "a.json").write_bytes(b"a")
    (tmp_path / "SHA256SUMS").write_text("of before")
    digests = [hashlib.sha256(one).hexdigest() for one in (b"a", b"b")]
    assert sums(tmp_path) == f"{digests[0]}  a.json\n{digests[1]}  b.whl\n"


def test_every_distribution_of_the_lock_is_asked_for_its_licence() -> None:
    names = names_in((PROJECT / "infra/docker/requirements.lock").read_text())
    assert {"aiokafka", "numpy", "psycopg"} <= set(names)
    assert len(names) == len(set(names)) > 50


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("3-Clause BSD License", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND GPL-3.0-only", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("AGPL-3.0", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_licences_that_would_bind_who_installs_it_are_refused(licence: str, allowed: bool) -> None:
    assert (refused([{"Name": "a", "License": licence}]) == []) is allowed
