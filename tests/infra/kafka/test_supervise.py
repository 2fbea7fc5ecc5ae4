import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import running
from tracehound.infra.kafka import supervise

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@contextmanager
def supervised(folder: Path, command: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    supervisor = [sys.executable, "-I", "-S", supervise.__file__, str(folder), *command]
    with running(supervisor, stdin=subprocess.PIPE, stderr=None) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_the_end_of_input_kills_the_command_and_removes_the_folder(
    tmp_path: Path, ended: Callable[[int], bool]
) -> None:
    folder = tmp_path / "data of a broker"
    folder.mkdir()
    with supervised(folder, SLEEPER) as (process, pid):
        assert process.stdin is not None
        process.stdin.close()
        assert ended(pid)
        assert process.wait() == -signal.SIGKILL % 256
    assert not folder.exists()


def test_it_ends_with_its_command_and_keeps_the_folder(tmp_path: Path) -> None:
    with supervised(tmp_path, [sys.executable, "-c", "raise SystemExit(3)"]) as (process, _pid):
        assert process.wait() == 3
    assert tmp_path.exists()


def test_a_signal_is_passed_on(tmp_path: Path, ended: Callable[[int], bool]) -> None:
    with supervised(tmp_path, SLEEPER) as (process, pid):
        process.terminate()
        assert ended(pid)
        assert process.wait() == -signal.SIGTERM % 256
