"""Where refits run: in this process, or in others that never outlive it."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.processes import running
from tracehound.detectors.forests.fitting import InlineFitter, PoolFitter

STARTER = """
import os, time
from tracehound.detectors.forests.fitting import PoolFitter
if __name__ == "__main__":
    fitter = PoolFitter(1)
    print(fitter.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_a_fit_that_fails_keeps_its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        InlineFitter().submit(lambda: 1 / 0).result()


def test_a_pool_fits_in_another_process() -> None:
    fitter = PoolFitter(1)
    try:
        assert fitter.submit(os.getpid).result(timeout=60) != os.getpid()
    finally:
        fitter.close()


def test_its_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "starter.py"
    script.write_text(STARTER)
    with running([sys.executable, str(script)], stderr=None) as starter:
        assert starter.stdout is not None
        helper = int(starter.stdout.readline())
        starter.kill()
    deadline = time.monotonic() + 20
    while is_running(helper):
        assert time.monotonic() < deadline, "the helper process outlived its parent"
        time.sleep(0.1)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")  # where there is one: a dead process nobody waited for counts as ended
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
