"""Processes under test: each ends with the block that started it, whatever fails in it."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

_OF_A_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def start_others_with_usual_signals() -> None:
    """Give what this process starts from now on the signals that a terminal's processes begin with.

    A shell starts what runs in its background (`make test &`) with interrupts ignored, and who is started inherits
    that, down to the command under test. A handler is not inherited: with one that does nothing this process goes on
    ignoring what it was told to.
    """
    for number in _OF_A_TERMINAL:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    return


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process with pipes of text, for as long as the block; what still runs at its end is killed."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()
