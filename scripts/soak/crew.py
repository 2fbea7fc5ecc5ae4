"""Worker processes to do things to: started, killed, stopped, paused, and gone with whoever started them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from tracehound.infra.inherited import inherited
from tracehound.infra.kafka import supervise
from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.commands.worker_process import counted_at

RUN = (
    "import sys; from tracehound.streams.settings.settings import load_settings; "
    "from tracehound.streams.worker.worker import run_worker; "
    "from tracehound.streams.scoring.app import build_scoring; "
    "sys.exit(run_worker(load_settings(), build_scoring))"
)
_POLL_S = 0.05
_START_S = 600.0
_STOP_S = 300.0
_HTTP_TIMEOUT_S = 30.0
_LAST_LINES = 5


class Member:
    """One worker process, starting when the constructor returns. Its log goes to ``log_file``."""

    def __init__(self, folder: Path, name: str, environment: Mapping[str, str], code: str = RUN) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        scratch = folder / name
        scratch.mkdir()
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, supervise.__file__, str(scratch), sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**inherited(), "TRACEHOUND_HTTP_PORT": "0", **environment},
                start_new_session=True,  # Ctrl-C is ours to pass on
                text=True,
            )
        self.pid = int(_of(self._process.stdout).readline())
        self.started_s = time.monotonic()

    @property
    def runs(self) -> bool:
        """Whether its process lives."""
        return self._process.poll() is None

    def log(self) -> Iterator[dict[str, Any]]:
        """What it has logged, line by line."""
        for line in self.log_file.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                with suppress(ValueError):  # a killed worker may have left half a line
                    yield json.loads(line)

    def said(self, event: str) -> dict[str, Any] | None:
        """The first line of its log about ``event``."""
        return next((line for line in self.log() if line.get("event") == event), None)

    def wait_for(self, event: str, timeout_s: float = _START_S) -> dict[str, Any]:
        """Wait until it has logged ``event``; returns the line.

        Raises:
            TracehoundError: it has ended, or takes too long.
        """
        deadline = time.monotonic() + timeout_s
        while (line := self.said(event)) is None:
            if not self.runs or time.monotonic() > deadline:
                raise TracehoundError(f"{self.name} did not say {event!r}. Its log ends with:\n{self.end_of_log()}")
            time.sleep(_POLL_S)
        return line

    def end_of_log(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-_LAST_LINES:])

    def resident_mb(self) -> float:
        """Memory that its process has in RAM; 0 once it has ended."""
        return _megabytes(self.pid, "VmRSS")

    def peak_mb(self) -> float:
        """The most memory that its process has ever had in RAM, and those it started: at most so much at once."""
        return sum(_megabytes(pid, "VmHWM") for pid in (self.pid, *self.helpers()))

    def helpers(self) -> list[int]:
        """The processes that it started."""
        with suppress(FileNotFoundError, ProcessLookupError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def counted(self, name: str) -> float:
        """The sum over labels of one of its metrics (``tracehound_`` before ``name``); 0 while it does not answer."""
        listening = self.said("health_listening")
        return 0.0 if listening is None else counted_at(listening["url"], name, _HTTP_TIMEOUT_S)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives (its supervisor reaps it just before it ends itself)."""
        if self.runs:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        self.wait(_STOP_S)

    def stop(self) -> int:
        """Ask it to end and wait; returns its exit status.

        Raises:
            TracehoundError: it did not end.
        """
        self.signal(signal.SIGTERM)
        return self.wait(_STOP_S)

    def wait(self, timeout_s: float) -> int:
        """Wait until it has ended; returns its exit status."""
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TracehoundError(
                f"{self.name} did not end within {timeout_s:g} s. Its log ends with:\n{self.end_of_log()}"
            ) from None
        self._close_pipes()
        return status

    def close(self) -> None:
        """Kill it, whatever state it is in; harmless where it has ended."""
        _of(self._process.stdin).close()  # makes the supervisor kill the worker
        self._process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            _of(pipe).close()


class Crew:
    """The workers of one consumer group. Whoever is not kept any more is killed at the end of the ``with``.

    Parameters:
        folder: for logs; a temporary one of the caller's.
        environment: settings as environment variables.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._hired = 0
        self.members: list[Member] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for member in self.members:
            member.close()

    def hire(self, code: str = RUN, **environment: str) -> Member:
        """Start a worker; it need not be ready."""
        self._hired += 1
        member = Member(self._folder, f"worker-{self._hired}", {**self._environment, **environment}, code)
        self.members.append(member)
        return member

    def dismiss(self, member: Member) -> None:
        """It has ended or was killed, and is no longer expected to run."""
        member.close()
        self.members.remove(member)

    def replace(self, member: Member) -> Member:
        """Kill one and start another."""
        member.kill()
        self.dismiss(member)
        return self.hire()

    def wait_until_ready(self) -> None:
        """Wait until all have joined the group."""
        for member in self.members:
            member.wait_for("worker_ready")

    def check(self) -> None:
        """Nothing while all run.

        Raises:
            TracehoundError: one has ended by itself; the message holds the end of its log.
        """
        for member in self.members:
            if not member.runs:
                raise TracehoundError(f"{member.name} has ended by itself. Its log ends with:\n{member.end_of_log()}")

    def stop(self) -> None:
        """Ask all to end, at once, and wait.

        Raises:
            TracehoundError: one did not end, or with a status that is not 0.
        """
        for member in self.members:
            member.signal(signal.SIGTERM)
        for member in list(self.members):
            if status := member.wait(_STOP_S):
                raise TracehoundError(f"{member.name} ended with status {status}:\n{member.end_of_log()}")
            self.members.remove(member)


def _megabytes(pid: int, name: str) -> float:
    """What the kernel says of a process's memory; 0 once it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    return 0.0


def _of(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None, "both pipes are asked for when the process is started"
    return pipe
