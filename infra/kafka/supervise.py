"""Run one command that must not outlive its starter: ``python supervise.py FOLDER COMMAND …``.

The first line on standard output is the command's process id. When standard input ends (the operating
system sees to it however the starter dies) or the starter is gone, the command is killed and FOLDER removed.
Run as a script with nothing but the standard library, so that it starts at once.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from types import FrameType

_CHECK_S = 0.1


def _input_ended() -> bool:
    return bool(select.select([0], [], [], _CHECK_S)[0]) and not os.read(0, 4096)


def supervise(folder: str, command: list[str]) -> int:
    """Run the command until it ends or the starter is gone; returns its exit status."""
    starter = os.getppid()
    asked_to_stop: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        asked_to_stop.append(number)

    signal.signal(signal.SIGTERM, remember)
    signal.signal(signal.SIGINT, remember)
    # Standard error, not output, is the command's log: the output tells the process id.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, stderr=2)
    print(child.pid, flush=True)
    while child.poll() is None:
        if asked_to_stop:
            asked_to_stop.clear()
            child.terminate()
        if _input_ended() or os.getppid() != starter:
            child.kill()
            child.wait()
            shutil.rmtree(folder, ignore_errors=True)
    return child.returncode


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1], sys.argv[2:]))
