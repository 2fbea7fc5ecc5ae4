"""What is built installs into an empty environment under one import root, and works from an empty folder."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from shutil import copy, copystat, copytree, ignore_patterns
from zipfile import ZipFile

import pytest

from tests.checkout import PROJECT
from tracehound.infra.inherited import inherited
from tracehound.infra.kafka.ports import free_ports

_CACHES = ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "target")
_BUILD = "import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"


def build(kind: str, source: Path, into: Path) -> Path:
    """Build a wheel or an sdist of ``source`` with the backend that pyproject.toml names."""
    subprocess.run([sys.executable, "-c", _BUILD.format(kind=kind), str(into)], cwd=source, check=True)
    (built,) = into.iterdir()
    return built


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, since building leaves folders behind."""
    return Path(copytree(PROJECT, tmp_path_factory.mktemp("source") / "copy", symlinks=True, ignore=_CACHES))


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel; its dependencies are those of this one, seen through a path."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site_packages(folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def site_packages(folder: Path) -> Path:
    (found,) = folder.glob("lib/python*/site-packages")
    return found


def give_compiled(environment: Path, all_but: str) -> None:
    """Give what is installed the kernels that this checkout has compiled, but for those of one package.

    numba knows them by the times of their sources. To compile them all takes most of a minute of CPU.
    """
    detectors = PROJECT / "tracehound" / "detectors"
    for source in detectors.rglob("*.py"):
        installed = site_packages(environment) / "tracehound" / source.relative_to(detectors.parent)
        assert installed.read_bytes() == source.read_bytes()
        copystat(source, installed)
        if source.parent.name != all_but:
            for kernel in (source.parent / "__pycache__").glob(f"{source.stem}.*.nb[ic]"):
                copy(kernel, installed.parent / "__pycache__")


def run(environment: Path, folder: Path, *arguments: str, timeout_s: float = 300) -> "subprocess.CompletedProcess[str]":
    """The installed command, in another folder, without the checkout's variables."""
    variables = inherited()
    variables.pop("PYTHONPATH", None)
    variables["TRACEHOUND_CONSOLE__PORT"] = str(*free_ports(1))  # others try demos meanwhile, each at the usual one
    command = [str(environment / "bin" / arguments[0]), *arguments[1:]]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=timeout_s)


def test_there_is_one_import_root_and_nothing_that_only_the_checkout_needs(environment: Path) -> None:
    site = site_packages(environment)
    root = site / "tracehound"

    assert {one.name for one in site.iterdir() if not one.name.startswith("tracehound-")} == {
        "tracehound",
        "dependencies.pth",
    }
    assert {one.name for one in root.iterdir() if one.name != "__pycache__"} == {
        *("__init__.py", "__main__.py", "py.typed"),
        *("console", "detectors", "infra", "schemas", "scripts", "streams"),
    }
    unwanted = {"benchmarks", "dashboards", "soak", "documents", "tests", "test", "conftest.py"}
    assert [one for one in root.rglob("*") if one.name in unwanted or one.name.startswith("test_")] == []
    assert not any(one.is_symlink() for one in root.rglob("*"))
    assert (root / "infra" / "kafka" / "pom.xml").is_file()
    assert (root / "infra" / "kafka" / "log4j2.xml").is_file()


def test_every_module_that_is_installed_can_be_imported(environment: Path, tmp_path: Path) -> None:
    code = """
import importlib, pathlib, pkgutil, sys, tracehound
names = [found.name for found in pkgutil.walk_packages(tracehound.__path__, "tracehound.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names), pathlib.Path(tracehound.__file__).parents[1], "pytest" in sys.modules)
"""
    result = run(environment, tmp_path, "python", "-P", "-W", "ignore", "-c", code)

    assert result.returncode == 0, result.stderr
    count, where, has_pytest = result.stdout.split()
    assert int(count) > 200
    assert Path(where) == site_packages(environment)
    assert has_pytest == "False"


def test_an_sdist_builds_the_same_wheel(source: Path, wheel: Path, tmp_path: Path) -> None:
    for name in ("sdist", "unpacked", "wheel"):
        (tmp_path / name).mkdir()
    with tarfile.open(build("sdist", source, tmp_path / "sdist")) as archive:
        assert not any(one.issym() or one.islnk() for one in archive.getmembers())
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    again = build("wheel", unpacked, tmp_path / "wheel")

    with ZipFile(wheel) as one, ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        same = [name for name in one.namelist() if name.startswith("tracehound/")]
        assert len(same) > 200
        assert [name for name in same if one.read(name) != other.read(name)] == []


@pytest.mark.timeout(600)  # where nothing is compiled yet it compiles all kernels: most of a minute of CPU
def test_the_demo_runs_from_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    version = run(environment, tmp_path, "tracehound", "--version")
    give_compiled(environment, all_but="charts")
    demo = run(environment, tmp_path, "tracehound", "demo", "--duration", "20", timeout_s=560)

    assert version.stdout.startswith("tracehound, version ")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "The kernels of the detectors are compiled for this machine, once" in demo.stdout
    assert "1 of 1 faults detected (right application, kind and time)" in demo.stdout
    assert list(tmp_path.iterdir()) == []
    charts = site_packages(environment) / "tracehound" / "detectors" / "charts" / "__pycache__"
    assert any(charts.glob("*.nbc"))  # compiled by what is installed
