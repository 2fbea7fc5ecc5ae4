"""The README's commands do what it says, as they stand: each block is given to a shell, with a free port for 9092."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.checkout import PROJECT
from tracehound.infra.inherited import inherited
from tracehound.infra.kafka.ports import free_ports

README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
COMMANDS = [text for language, text in BLOCKS if not language]
PICTURE, DEMO, TEST, UP, PROCESSES, LOOK, _ASK = COMMANDS  # the last: tests/console/test_readme.py

Start = Callable[[str], "Shell"]


class Shell:
    """A shell that runs a block, and all that it starts, with what they have said."""

    def __init__(self, block: str, folder: Path, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["bash", "-e", "-c", f"{block}\nwait"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def until(self, *patterns: str, timeout_s: float = 200.0) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not all(re.search(pattern, self.said, re.MULTILINE) for pattern in patterns):
            assert self._process.poll() in (None, 0), self.said
            assert time.monotonic() < deadline_s, self.said
            time.sleep(0.2)

    def interrupt(self) -> int:
        """As Ctrl-C does: everything in the foreground gets it."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(120)

    def kill(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, number)
                self._process.wait(30)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose .venv is the environment that runs this test, set up already."""
    folder = tmp_path / "tracehound"
    folder.mkdir()
    for entry in PROJECT.iterdir():
        if not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    environment = folder / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".installed":
            (environment / entry.name).symlink_to(entry)
    (environment / ".installed").touch()
    return folder


@pytest.fixture
def shell(checkout: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts shells that find ports of their own in place of those that the README names."""
    kept = inherited()
    kafka, *others = map(str, free_ports(7))
    of_workers = ("HTTP_PORT", "INTAKE__HTTP_PORT", "INCIDENT_WORKER__HTTP_PORT")
    names = (*of_workers, "GATEWAY__PORT", "GATEWAY__GRPC_PORT", "CONSOLE__PORT")
    ports = {f"TRACEHOUND_{name}": port for name, port in zip(names, others, strict=True)}
    environment = {**kept, **ports, "PYTHONUNBUFFERED": "1"}
    started: list[Shell] = []

    def start(block: str) -> Shell:
        log = tmp_path / f"{len(started)}.log"
        started.append(Shell(block.replace("localhost:9092", f"localhost:{kafka}"), checkout, log, environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def test_every_block_is_one_that_is_tested() -> None:
    assert len(COMMANDS) == 7, "a block of commands was added or taken away: test what it says"
    assert "OTel Collector" in PICTURE
    assert (DEMO, TEST) == ("make demo\n", "make test\n")
    assert [language for language, _ in BLOCKS if language] == ["yaml", "bash", "python", "python"]


def test_the_demo_runs_until_it_is_interrupted(shell: Start) -> None:
    demo = shell(DEMO)
    demo.until(r"^On the embedded broker of its own", r"^live: ", r"injected  error_burst")
    demo.interrupt()

    assert demo.said.endswith("Ended; nothing is left behind.\n")


def test_up_says_what_to_publish(shell: Start) -> None:
    up = shell(UP)
    up.until(r"^Waiting for executions on tracehound\.executions\.v1 at \S+; publish this, in another shell:$")
    up.interrupt()

    assert up.said.endswith("Stopped.\n")


@pytest.mark.usefixtures("broker_program")
def test_the_processes_start_one_after_the_other_and_are_seen(shell: Start) -> None:
    shell(PROCESSES).until(
        r"serves at 127\.0\.0\.1:\d+$",
        r"^(created|unchanged) tracehound\.executions\.v1",
        r'"event": "gateway_listening"|gateway_listening',
        *(f'"group": "tracehound-{group}".*"worker_starting"|"worker_starting".*"tracehound-{group}"' for group in
          ("scoring", "intake", "incidents")),
    )  # fmt: skip
    export = PROCESSES.splitlines()[0]
    status = LOOK.splitlines()[0]
    ready = shell(
        f"{export}\nuntil {status.split('#')[0].strip()} | grep -c ', ready;' | grep -qx 3; do sleep 1; done\n"
    )
    ready.until(r"\A\Z")
    assert ready._process.wait(120) == 0

    look = shell(f"{export}\n{LOOK}")
    look.until(
        r"^broker +answers at localhost:\d+$",
        r"^worker +1 in the group 'tracehound-scoring'; one here at port \d+, ready; 0 records to be read$",
        r"^0 of 0 incidents; 0 are not resolved\.$",
        r"^0 of 0 applications\.$",
        r"^There are no dead letters in tracehound\.dead-letters\.v1\.$",
        r"^tracehound: Waiting for records on tracehound\.anomalies\.v1 at localhost:\d+; Ctrl-C ends it\.$",
    )
    look.interrupt()
