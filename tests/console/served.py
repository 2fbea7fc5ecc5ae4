"""A console in a process of its own, with some of everything, that tests ask from outside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.checkout import PROJECT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1"}


@contextmanager
def served(database_url: str, log: Path) -> Iterator[tuple[str, str]]:
    """Its address and an admin's key; what it logs is written to ``log``."""
    command = [sys.executable, "-m", "tests.console.openapi.server", database_url]
    with log.open("wb") as errors:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=ENVIRONMENT)
    try:
        assert server.stdout is not None
        key, url = (server.stdout.readline().strip() for _ in range(2))
        assert url.startswith("http"), log.read_text()
        yield url, key
    finally:
        server.terminate()
        server.communicate(timeout=60)
