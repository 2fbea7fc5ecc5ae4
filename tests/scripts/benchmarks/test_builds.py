import subprocess
from pathlib import Path

import pytest

from tracehound.scripts.benchmarks import builds
from tracehound.scripts.benchmarks.builds import checked_out


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits; the package is there from the second on."""
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)

    git("init", "--quiet")
    (folder / "scripts").mkdir()
    (folder / "scripts" / "old.py").write_text("")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    git("tag", "first")
    (folder / "tracehound").mkdir()
    (folder / "tracehound" / "new.py").write_text("")
    git("add", ".")
    git("commit", "--quiet", "-m", "two")
    monkeypatch.setattr(builds, "__file__", str(folder / "builds.py"))
    return folder


def worktrees(repository: Path) -> int:
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], check=True, capture_output=True, text=True
    )
    return len(listed.stdout.splitlines())


@pytest.mark.parametrize(
    ("commit", "module", "file"), [("first", "scripts", "old.py"), ("HEAD", "tracehound", "new.py")]
)
def test_a_commit_is_there_until_the_benchmark_is_done(repository: Path, commit: str, module: str, file: str) -> None:
    with checked_out(commit) as build:
        assert build.module == module
        assert build.folder is not None
        assert (build.folder / module / file).exists()
        assert build.folder.name == build.name
        assert len(build.name) == 10

    assert not build.folder.exists()
    assert worktrees(repository) == 1


def test_a_commit_that_does_not_exist_is_said(repository: Path) -> None:
    with pytest.raises(ValueError, match=r"one of this repository\. Got 'nothing' instead"), checked_out("nothing"):
        pass
    assert worktrees(repository) == 1
