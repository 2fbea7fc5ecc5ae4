"""The programs that are asked: the console, and Datasette from an environment of its own."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracehound.infra.kafka.ports import free_ports
from tracehound.scripts.benchmarks.api.asking import Client

_START_S = 60.0


@contextmanager
def console(url: str, log: Path) -> Iterator[tuple[Client, int]]:
    """The console on a filled store, and its process id."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tracehound.scripts.benchmarks.api.serving", url, str(port)]
    environment = os.environ | {"TRACEHOUND_CONSOLE__REQUESTS_PER_MINUTE": "0", "TRACEHOUND_LOG_LEVEL": "warning"}
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment)
    try:
        assert process.stdout is not None
        key = process.stdout.readline().decode().strip()
        _wait(process, port, "/api/v1/anomalies?limit=1", {"X-API-Key": key}, log)
        yield Client(port, process.pid, {"X-API-Key": key}), process.pid
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def datasette(program: Path, file: Path, log: Path) -> Iterator[Client]:
    """Datasette on the file of a store."""
    (port,) = free_ports(1)
    command = [str(program), "serve", f"--immutable={file}", "--host=127.0.0.1", f"--port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait(process, port, "/-/versions.json", {}, log)
        yield Client(port, process.pid, {})
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str, headers: dict[str, str], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
            with urllib.request.urlopen(request, timeout=10):  # noqa: S310 (loopback, written above)
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"A server did not start: {error}; {log.read_text()[-1_000:]}") from error
        time.sleep(0.1)
