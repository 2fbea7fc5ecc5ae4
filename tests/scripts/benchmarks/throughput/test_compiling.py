"""The kernels of another build are compiled while topics are filled, by that build itself."""

import os
import subprocess
from pathlib import Path

import pytest

from tracehound.scripts.benchmarks import builds
from tracehound.scripts.benchmarks.throughput.__main__ import compiling

CORE = min(os.sched_getaffinity(0))
MAIN = "import os, pathlib, sys; {}; pathlib.Path('said').write_text(f'{{sys.argv[1]}} {{os.sched_getaffinity(0)}}')"


def repository(folder: Path, before: str) -> None:
    """A repository of one commit, whose command does something and then says how it was called."""
    (folder / "tracehound").mkdir()
    (folder / "tracehound" / "__main__.py").write_text(MAIN.format(before))
    git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "one"]):
        subprocess.run([*git, *command], check=True, capture_output=True)


def test_the_other_build_compiles_on_the_contenders_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path, "pass")
    monkeypatch.setattr(builds, "__file__", str(tmp_path / "builds.py"))
    with compiling("HEAD", CORE) as (build, wait):
        wait()
        assert build is not None
        assert build.folder is not None
        assert (build.folder / "said").read_text() == f"compile {{{CORE}}}"


def test_what_cannot_be_compiled_ends_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path, "sys.exit(3)")
    monkeypatch.setattr(builds, "__file__", str(tmp_path / "builds.py"))
    with pytest.raises(subprocess.CalledProcessError, match="status 3"), compiling("HEAD", CORE) as (_, wait):
        wait()


def test_without_another_build_there_is_nothing_to_wait_for() -> None:
    with compiling(None, CORE) as (build, wait):
        wait()
    assert build is None
