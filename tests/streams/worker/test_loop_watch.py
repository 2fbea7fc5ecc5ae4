"""A process whose loop hangs ends, whatever it hangs in."""

import asyncio
import faulthandler
import subprocess
import sys
import time

import pytest

from tests.virtual_time import run_in_virtual_time
from tracehound.streams.worker.loop_watch import loop_watch

PROGRAM = """
import asyncio, re, time
from tracehound.streams.worker.loop_watch import loop_watch

async def main() -> None:
    async with loop_watch(1.0):
        await asyncio.sleep(0)
        {hang}

asyncio.run(main())
"""


def ended(hang: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(hang=hang)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("hang", ["while True: pass", 're.match("(a+)+$", "a" * 60 + "b")', "time.sleep(300)"])
def test_a_loop_that_hangs_ends_the_process_and_says_where(hang: str) -> None:
    done = ended(hang)
    assert done.returncode == 1
    assert "in main" in done.stderr


class FaultHandler:
    """Notes until when the process has been given; the latest word counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends_at_s: float | None = None
        self.left_s: list[float] = []
        monkeypatch.setattr(faulthandler, "dump_traceback_later", self.end_later)
        monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", self.never_mind)

    def end_later(self, timeout_s: float, *, exit: bool) -> None:
        assert exit
        if self.ends_at_s is not None:
            self.left_s.append(self.ends_at_s - time.monotonic())
        self.ends_at_s = time.monotonic() + timeout_s

    def never_mind(self) -> None:
        self.ends_at_s = None


@pytest.mark.parametrize("timeout_s", [0.5, 2.0, 60.0])
def test_one_that_gets_round_is_put_off_in_time_and_no_longer_watched_in_the_end(
    timeout_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = FaultHandler(monkeypatch)

    async def test() -> None:
        async with loop_watch(timeout_s):
            await asyncio.sleep(10 * timeout_s)
            assert handler.ends_at_s is not None
            assert handler.ends_at_s > time.monotonic()
        assert handler.ends_at_s is None

    run_in_virtual_time(test())
    assert len(handler.left_s) >= 45
    assert min(handler.left_s) >= 0.75 * timeout_s
