"""A worker as a child process that never outlives its starter."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NoReturn, Self

from tracehound.infra.kafka import supervise
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.terminal_text import printable

STOP_TIMEOUT_S = 15.0
HTTP_TIMEOUT_S = 2.0
_LAST_LINES = 3
_LINE_LENGTH = 500
Kind = Literal["worker", "intake", "incidents", "gateway", "console"]
_PORTS: Mapping[Kind, str] = {
    "worker": "TRACEHOUND_HTTP_PORT",
    "intake": "TRACEHOUND_INTAKE__HTTP_PORT",
    "incidents": "TRACEHOUND_INCIDENT_WORKER__HTTP_PORT",
    "gateway": "TRACEHOUND_GATEWAY__PORT",
    "console": "TRACEHOUND_CONSOLE__PORT",
}


class WorkerEndedError(TracehoundError):
    """A worker ended by itself; the message holds the end of its log."""


class WorkerProcess:
    """Runs ``tracehound worker``, or another kind, until closed; its log goes to a file in ``folder``.

    ``address`` is where it serves metrics and health.

    Parameters:
        folder: a temporary folder of the caller's.
        environment: settings as environment variables, over those of this process.
        http_port: where metrics and health are served.
        kind: of worker; the command's name.
        name: of the log and of a scratch folder, for several of one kind.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        http_port: int,
        kind: Kind = "worker",
        name: str = "",
    ) -> None:
        self.log_file = folder / f"{name or kind}.log"
        self.kind = kind
        self.address = f"http://127.0.0.1:{http_port}"
        scratch = folder / (name or kind)
        scratch.mkdir(exist_ok=True)
        command = [sys.executable, "-P", "-m", "tracehound.scripts.cli", kind]  # -P: what is installed, wherever we are
        ports = {_PORTS[kind]: str(http_port)}
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, supervise.__file__, str(scratch), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, **environment, **ports},
                start_new_session=True,  # Ctrl-C is ours to pass on
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def check(self) -> None:
        """Nothing while the worker runs.

        Raises:
            WorkerEndedError: it has ended; the message holds the end of its log.
        """
        status = self._process.poll()
        if status is not None:
            self.fail(f"ended with status {status}")

    def fail(self, what: str) -> NoReturn:
        """Raise a WorkerEndedError that says what it did, and holds the end of its log."""
        raise WorkerEndedError(f"The {self.kind} {what}. Its log ends with:\n{self.end_of_log()}")

    def end_of_log(self) -> str:
        """The last lines of its log, safe to print."""
        lines = self.log_file.read_text(errors="backslashreplace").splitlines()[-_LAST_LINES:]
        return "\n".join(printable(line)[:_LINE_LENGTH] for line in lines)

    def executions_scored(self) -> int:
        """How many executions it has scored, as its metrics say; 0 while it does not answer."""
        return int(self.counted("executions_total"))

    def is_ready(self) -> bool:
        """Whether it reads from partitions."""
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310 (http)
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def counted(self, name: str) -> float:
        """The sum over labels of one of its metrics (``tracehound_`` before ``name``); 0 while it does not answer."""
        return counted_at(self.address, name, HTTP_TIMEOUT_S)

    def close(self) -> None:
        """Ask it to stop, and end it when it takes too long."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            if self._process.stdin is not None:
                self._process.stdin.close()  # makes the supervisor kill the worker
            self._process.wait(STOP_TIMEOUT_S)
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()


def counted_at(address: str, name: str, timeout_s: float) -> float:
    """The sum over labels of a metric of the worker at ``address`` (http), 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/metrics", timeout=timeout_s) as answer:  # noqa: S310 (http)
            text = answer.read().decode()
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return 0.0
    found = re.findall(rf"^tracehound_{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found), 0.0)
