"""Schemathesis against a console: whatever its document allows and forbids is answered as it says."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.console.served import ENVIRONMENT, served_in_process

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_schemathesis_finds_nothing(store_url: str, tmp_path: Path) -> None:
    """On PostgreSQL, which takes less than SQLite does."""
    log = tmp_path / "log"
    with served_in_process(store_url, log) as (url, key):
        arguments = ["--config-file", str(FOLDER / "schemathesis.toml"), "run", "--output-truncate", "false"]
        said = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *arguments, f"{url}/openapi.json"],
            env=ENVIRONMENT | {"ADMIN_KEY": key},
            cwd=tmp_path,  # it keeps what it found there
            capture_output=True,
            text=True,
            check=False,
            timeout=550,
        )
        with urllib.request.urlopen(f"{url}/openapi.json") as answer:
            document = json.load(answer)
    operations = sum(len(each) for each in document["paths"].values())
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"Tested: {operations - 2}" in said.stdout  # neither the stream nor where it was given the document
    assert b"request_failed" not in log.read_bytes()
