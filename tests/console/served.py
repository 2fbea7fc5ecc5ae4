"""Consoles that tests ask from outside: one in a thread, and one in a process of its own with some of everything."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests.checkout import PROJECT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1"}


@contextmanager
def served_in_process(database_url: str, log: Path) -> Iterator[tuple[str, str]]:
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
        server.communicate(timeout=120)


@contextmanager
def served_in_thread(app: Any, port: int = 0) -> Iterator[str]:
    """The address of a server of an app."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(120)
