"""A process whose loop hangs ends, whatever it hangs in."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, re, time
from tracehound.streams.worker.loop_watch import loop_watch

async def main() -> None:
    async with loop_watch({timeout_s}):
        await asyncio.sleep({quiet_s})
        {hang}
    time.sleep(2.5)  # nobody watches any more

asyncio.run(main())
print("ended well")
"""


def ended(hang: str, timeout_s: float = 1.0, quiet_s: float = 0.0) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(hang=hang, timeout_s=timeout_s, quiet_s=quiet_s)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("hang", ["while True: pass", 're.match("(a+)+$", "a" * 60 + "b")', "time.sleep(30)"])
def test_a_loop_that_hangs_ends_the_process_and_says_where(hang: str) -> None:
    done = ended(hang)
    assert done.returncode == 1
    assert "in main" in done.stderr
    assert "ended well" not in done.stdout


def test_one_that_gets_round_does_not() -> None:
    done = ended("await asyncio.sleep(0)", timeout_s=2.0, quiet_s=4.0)
    assert (done.returncode, done.stdout) == (0, "ended well\n")
