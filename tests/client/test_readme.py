"""Twelve lines lead from nothing to a first execution: a wheel of nothing but the client, and what the README says."""

import re
import subprocess
import sys
import venv
from pathlib import Path
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest

from tests.checkout import PROJECT
from tests.client.conftest import Reached
from tests.end_to_end.test_installed import build

CLIENT = PROJECT / "client"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", (CLIENT / "README.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "client"
    copytree(CLIENT, source, ignore=ignore_patterns("*.egg-info", "build", "__pycache__"))
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_client_with_its_types_and_needs_nothing(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    sources = {one.relative_to(CLIENT).as_posix() for one in (CLIENT / "tracehound_client").rglob("*.py")}
    assert {name for name in names if ".dist-info/" not in name} == {*sources, "tracehound_client/py.typed"}
    needed = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    assert [re.split(r"[;\s]", one)[0] for one in needed if "extra ==" not in one] == []


def test_twelve_lines_from_pip_install_to_a_first_execution(wheel: Path, gateway: Reached, tmp_path: Path) -> None:
    (_, install), (language, program) = BLOCKS[:2]
    assert language == "python"
    lines = [line for line in (install + program).splitlines() if line.strip()]
    assert len(lines) <= 12
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = str(environment / "bin" / "python")
    assert install.split() == ["pip", "install", "tracehound-client"]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(pip, check=True)

    given = program.replace("http://127.0.0.1:4318", gateway.url).replace('"shop"', '"first-execution"')
    done = subprocess.run([python, "-I", "-c", given], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    (first,) = gateway.executions("first-execution", 1)
    assert first.operation == "GET /cart"
    assert [(one.name, one.kind) for one in first.segments] == [("SELECT cart", "db")]
