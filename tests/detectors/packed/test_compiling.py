"""What was compiled is used again for as long as nothing changed of what it was compiled from, and no longer."""

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import tracehound.detectors
from tests.checkout import PROJECT
from tests.processes import running
from tracehound.detectors.packed.compiling import KernelCache, _read, source_digest

RANK = """
import numpy as np
from tracehound.detectors.packed.reference import rank_of
print(rank_of(np.arange(9.0), 9, 4.0), sum(rank_of.stats.cache_misses.values()))
"""
KEPT = "packed/__pycache__"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the kernels' sources, without anything compiled."""
    package = tmp_path / "checkout" / "tracehound"
    for part in ("detectors", "schemas"):
        shutil.copytree(PROJECT / part, package / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "tracehound/__init__.py", package)
    return package


def environment(package: Path, **variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {**inherited, "PYTHONPATH": str(package.parent), **variables}


def rank(package: Path, **variables: str) -> tuple[float, int]:
    """The rank of the fifth of nine values, and how many signatures had to be compiled for it."""
    run = subprocess.run(
        [sys.executable, "-P", "-c", RANK],
        env=environment(package, **variables),
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    value, compiled = run.stdout.split()
    return float(value), int(compiled)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_a_change_in_a_kernel_of_another_file_is_seen_and_what_was_compiled_before_is_removed(package: Path) -> None:
    folder = package / "detectors" / KEPT
    assert rank(package) == (0.5, 1)
    files = len(list(folder.glob("*.nb?")))
    assert files > 0
    assert rank(package) == (0.5, 0)

    change(package / "detectors/packed/ordered.py", "return np.int64(low)", "return np.int64(low) + 1")
    assert rank(package) == (0.55, 1)
    assert len(list(folder.glob("*.nb?"))) == files


def test_where_nothing_can_be_written_beside_the_sources_the_users_folder_is_used(package: Path) -> None:
    (package / "detectors" / KEPT).touch()  # no folder can be made there, as in one that is read-only
    cache = package.parent / "cache"
    assert rank(package, XDG_CACHE_HOME=str(cache)) == (0.5, 1)
    assert rank(package, XDG_CACHE_HOME=str(cache)) == (0.5, 0)
    assert list(cache.rglob("*.nbi"))


def test_where_nothing_can_be_written_at_all_it_is_compiled_every_time(package: Path) -> None:
    (package / "detectors" / KEPT).touch()
    (package.parent / "cache").touch()
    for _ in range(2):
        assert rank(package, XDG_CACHE_HOME=str(package.parent / "cache")) == (0.5, 1)


def test_a_folder_that_is_named_is_used(package: Path) -> None:
    named = package.parent / "named"
    assert rank(package, NUMBA_CACHE_DIR=str(named)) == (0.5, 1)
    assert rank(package, NUMBA_CACHE_DIR=str(named)) == (0.5, 0)
    assert list(package.rglob("*.nbi")) == []


def test_processes_that_compile_at_once_do_no_harm(package: Path) -> None:
    with ExitStack() as stack:
        command = [sys.executable, "-P", "-c", RANK]
        others = [
            stack.enter_context(running(command, env=environment(package), cwd=package, stderr=None)) for _ in range(3)
        ]
        assert [other.communicate()[0].split()[0] for other in others] == ["0.5"] * 3
    assert rank(package) == (0.5, 0)


def test_a_digest_is_of_all_that_is_imported_and_of_nothing_else(tmp_path: Path) -> None:
    sources = {
        "one/__init__.py": "",
        "one/kernel.py": "from one.inner import (\n    other,  # a module\n    another,\n)\nimport one.whole\n",
        "one/inner/__init__.py": "from .deep import X",
        "one/inner/deep.py": "X = 1",
        "one/inner/other.py": "import os\n\ndef f():\n    from . import late\n",
        "one/inner/another.py": "",
        "one/inner/late.py": "",
        "one/inner/unused.py": "",
        "one/whole.py": "from one import kernel",
        "two/__init__.py": "",
    }
    for name, text in sources.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def digest() -> str:
        return digest_anew("one.kernel", tmp_path / "one/kernel.py")

    before = digest()
    changed = set()
    for name, text in sources.items():
        (tmp_path / name).write_text(text + "\nY = 1\n")
        if digest() != before:
            changed.add(name)
        (tmp_path / name).write_text(text)
        assert digest() == before
    assert sources.keys() - changed == {"one/inner/unused.py", "two/__init__.py"}


def digest_anew(module: str, file: Path) -> str:
    """As another process would find it."""
    for cached in (source_digest, _read):
        cached.cache_clear()
    return source_digest(module, str(file))


def test_every_kernel_is_kept_by_its_sources() -> None:
    for found in pkgutil.walk_packages(tracehound.detectors.__path__, "tracehound.detectors."):
        importlib.import_module(found.name)
    modules = [module for name, module in sys.modules.items() if name.startswith("tracehound.detectors.")]
    kernels = {
        kernel.py_func: kernel
        for module in modules
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }
    assert len(kernels) > 100
    others = [kernel for kernel in kernels.values() if not isinstance(vars(kernel).get("_cache"), KernelCache)]
    assert others == []
