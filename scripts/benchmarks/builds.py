"""What a benchmark runs: the code that is here, or that of another commit beside it."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = "tracehound"
_PACKAGE_BEFORE = "scripts"
"""What had the command until there was one import root."""


@dataclass(frozen=True, slots=True)
class Build:
    """Code in a folder (None: what is installed here) whose commands are those of a module."""

    name: str
    module: str = _PACKAGE
    folder: Path | None = None


HERE = Build("here")


@contextmanager
def checked_out(commit: str) -> Iterator[Build]:
    """The code of a commit of this repository, in a folder that goes with the ``with`` statement.

    It runs with the libraries that are installed here.

    Raises:
        ValueError: there is no such commit.
    """
    repository = Path(__file__).resolve().parent
    found = _git(repository, "rev-parse", "--verify", "--short=10", f"{commit}^{{commit}}")
    if found.returncode:
        raise ValueError(f"The commit to compare with must be one of this repository. Got {commit!r} instead.")
    name = found.stdout.strip()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        _git(repository, "worktree", "add", "--detach", str(folder), name).check_returncode()
        try:
            yield Build(name, _PACKAGE if (folder / _PACKAGE).is_dir() else _PACKAGE_BEFORE, folder)
        finally:
            _git(repository, "worktree", "remove", "--force", str(folder))


def _git(repository: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
