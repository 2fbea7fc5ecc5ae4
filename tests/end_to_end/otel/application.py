"""Starts an application as its operators would: by `opentelemetry-instrument`, told everything by environment."""

import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_FOLDER = Path(__file__).parent
_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:(\d+))")
_INSTRUMENT = Path(sysconfig.get_path("scripts")) / "opentelemetry-instrument"
_NOT_INHERITED = ("OTEL_", "FLASK_", "WERKZEUG_", "TRACEHOUND_", "KAFKA_")


class Application:
    """A Flask application of this folder in a process of its own, on a free port of loopback.

    Parameters:
        name: of the module, and of the service.
        collector_url: where its traces go.
        environment: what else it is told.
        log_file: takes what it says.
    """

    def __init__(self, name: str, collector_url: str, environment: Mapping[str, str], log_file: Path) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        self._log_file = log_file
        self._environment = {
            **inherited,
            "NO_PROXY": "127.0.0.1",
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            **environment,
        }
        self._command = [str(_INSTRUMENT), sys.executable, "-m", "flask", "--app", name, "run", "--port", "0"]
        self.url, self.port = "", 0

    def __enter__(self) -> Self:
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=_FOLDER,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_running(120.0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_running(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while (found := _RUNNING.search(self._log_file.read_text(errors="replace"))) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the application does not run:\n{self._log_file.read_text(errors='replace')}")
            time.sleep(0.05)
        self.url, self.port = found[1], int(found[2])

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
