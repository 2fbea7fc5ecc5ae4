"""Programs of other people, built once and kept: tests of them run where these are; `make test-tracers` builds them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tracers.real.install import KEPT

collect_ignore_glob = ["programs/*"]
HERE = Path(__file__).parent
REAL = "TRACEHOUND_REAL_TRACERS"
_BUILD_S = 900


def _digest(folder: Path) -> str:
    content = hashlib.sha256()
    for path in [*sorted(folder.glob("*.go")), folder / "go.mod", folder / "go.sum"]:
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


@pytest.fixture(scope="session")
def collector_program() -> Path:
    """A real OpenTelemetry Collector with the Kafka exporter."""
    program = KEPT / f"collector-{_digest(HERE / 'collector')}"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None or not os.environ.get(REAL):
        pytest.skip("a real Collector is built by `make test-tracers`, some minutes, where Go is at hand")
    KEPT.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_suffix(f".{os.getpid()}")
    command = [go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(unfinished), "."]
    subprocess.run(command, cwd=HERE / "collector", check=True, timeout=_BUILD_S)
    unfinished.rename(program)
    return program
