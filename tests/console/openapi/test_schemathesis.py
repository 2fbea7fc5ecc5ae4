"""Schemathesis against a console: whatever its document allows and forbids is answered as it says."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.checkout import PROJECT

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_schemathesis_finds_nothing(store_url: str, tmp_path: Path) -> None:
    """On PostgreSQL, which takes less than SQLite does."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1"}
    log = tmp_path / "log"
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.console.openapi.server", store_url],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    try:
        assert server.stdout is not None
        key, url = (server.stdout.readline().strip() for _ in range(2))
        arguments = ["--config-file", str(FOLDER / "schemathesis.toml"), "run", "--output-truncate", "false"]
        said = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *arguments, f"{url}/openapi.json"],
            env=environment | {"ADMIN_KEY": key},
            cwd=tmp_path,  # it keeps what it found there
            capture_output=True,
            text=True,
            check=False,
            timeout=550,
        )
        with urllib.request.urlopen(f"{url}/openapi.json") as answer:
            document = json.load(answer)
    finally:
        server.terminate()
        server.communicate(timeout=60)
    operations = sum(len(each) for each in document["paths"].values())
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"Tested: {operations - 2}" in said.stdout  # neither the stream nor where it was given the document
    assert b"request_failed" not in log.read_bytes()
