import time
from collections.abc import Callable
from pathlib import Path

import pytest


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits for its parent to reap it has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Waits until a condition holds; False if it does not within a time that only a defect exceeds."""

    def wait(condition: Callable[[], bool], within_s: float = 120.0) -> bool:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    return wait


@pytest.fixture
def ended(eventually: Callable[[Callable[[], bool]], bool]) -> Callable[[int], bool]:
    """Waits until a process has ended."""
    return lambda pid: eventually(lambda: _is_gone(pid))
