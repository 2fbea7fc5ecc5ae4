"""`tracehound up` in a process of its own, on the embedded broker."""

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tracehound.infra.inherited import inherited
from tracehound.infra.kafka.ports import free_ports


class Up:
    """The command in a process of its own, and what it has said; ``traced`` sends it the traces of its own workers."""

    def __init__(self, folder: Path, traced: bool = False, **variables: str) -> None:
        kept = inherited()
        ports = free_ports(5)
        self.ports = dict(zip(("worker", "intake", "incidents", "broker", "gateway"), ports, strict=True))
        own: dict[str, int | str] = {
            "TRACEHOUND_HTTP_PORT": ports[0],
            "TRACEHOUND_INTAKE__HTTP_PORT": ports[1],
            "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT": ports[2],
            "TRACEHOUND_GATEWAY__PORT": ports[4],
            "TRACEHOUND_GATEWAY__GRPC_PORT": 0,
            "TRACEHOUND_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports[3]}",  # whatever runs on this machine
        }
        if traced:
            own["TRACEHOUND_TRACES_ENDPOINT"] = f"http://127.0.0.1:{ports[4]}/v1/traces"
            own["OTEL_BSP_SCHEDULE_DELAY"] = 500
        self.environment = {**kept, **{name: str(value) for name, value in own.items()}, **variables}
        self.said = ""
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tracehound", "up", "--kafka", "embedded", "--logs", str(folder)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line

    def until(self, pattern: str, timeout_s: float = 120.0) -> "re.Match[str]":
        deadline_s = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.said, re.DOTALL | re.MULTILINE)) is None:
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.1)
        return found

    def __enter__(self) -> "Up":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def end(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(120)
        self._reader.join(10)
        return status
