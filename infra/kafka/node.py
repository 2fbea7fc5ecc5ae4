"""One node (broker and controller) of an Apache Kafka cluster: its folder and its process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tracehound.schemas.errors import BrokerError

_LOGGING = Path(__file__).with_name("log4j2.xml")
_SUPERVISE = Path(__file__).with_name("supervise.py")
_FORMAT_TIMEOUT_S = 120
_KILL_TIMEOUT_S = 10
_LOG_TAIL_LINES = 15


class Node:
    """One node in ``folder``: formatted once; started, stopped and killed any number of times.

    Its process is supervised: it dies, and its cluster's folder goes, with the process that started it.
    """

    def __init__(self, java: Path, jars: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self._java = [
            str(java),
            "-Xmx512m",
            f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}",
            "-cp",
            f"{jars}{os.sep}*",
        ]
        self._folder = folder
        self._properties = folder / "server.properties"
        self.log_file = folder / "node.log"
        self._supervisor: subprocess.Popen[str] | None = None
        self.pid: int | None = None
        folder.mkdir(parents=True)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def format(self, cluster_id: str) -> None:
        """Format the node's storage by Kafka's own tool.

        Raises:
            BrokerError: the tool fails; with what it said.
        """
        command = [*self._java, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", cluster_id, "--config", str(self._properties)]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BrokerError(f"Kafka's storage cannot be formatted: {error}") from error
        if run.returncode:
            raise BrokerError(f"Kafka's storage cannot be formatted: {(run.stdout + run.stderr).strip()[-2000:]}")

    @property
    def running(self) -> bool:
        """Whether the node's process lives."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self) -> None:
        """Start the process, and return without waiting until it serves."""
        if self.running:
            raise BrokerError(f"The broker in {self._folder} runs already.")
        self._close_pipes()
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISE), str(self._folder.parent)]
        with self.log_file.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [*supervisor, *self._java, "kafka.Kafka", str(self._properties)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C in a terminal must not stop it before its clients
            )
        line = _of(self._supervisor.stdout).readline()
        if not line:
            raise BrokerError(f"The broker's process did not start: {self.log_tail()}")
        self.pid = int(line)

    def stop(self, timeout_s: float) -> None:
        """End the process by SIGTERM, and by SIGKILL after ``timeout_s``."""
        self.terminate()
        self.wait(timeout_s)

    def terminate(self) -> None:
        """Ask the process to end, and return at once."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process as a crash would, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self.wait(_KILL_TIMEOUT_S)

    def wait(self, timeout_s: float) -> None:
        """Wait until the process has ended; kill it after ``timeout_s``."""
        if self._supervisor is None:
            return
        try:
            self._supervisor.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._supervisor.wait(_KILL_TIMEOUT_S)
        self._close_pipes()
        self._supervisor, self.pid = None, None

    def log_tail(self) -> str:
        """The last lines of the node's log."""
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return "\n".join(lines[-_LOG_TAIL_LINES:]) or "its log is empty"

    def _signal(self, number: signal.Signals) -> None:
        # The supervisor reaps the process just before it ends itself, so the id is not another's yet.
        if self.running and self.pid is not None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def _close_pipes(self) -> None:
        if self._supervisor is not None:
            _of(self._supervisor.stdin).close()
            _of(self._supervisor.stdout).close()


def _of(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None, "both pipes are asked for when the process is started"
    return pipe
