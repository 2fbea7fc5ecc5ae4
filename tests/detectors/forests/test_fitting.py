"""Where refits run: in this process, or in others that never outlive it."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
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

CLOSER = """
import sys, time
from pathlib import Path
from tracehound.detectors.forests.fitting import PoolFitter
def endless(begun):
    Path(begun).touch()
    time.sleep(10_000)
if __name__ == "__main__":
    fitter, begun = PoolFitter(1), Path(sys.argv[1])
    fit = fitter.submit(endless, str(begun))
    while not begun.exists():
        time.sleep(0.01)
    fitter.close()
    print(repr(fit.exception()), flush=True)
"""


def test_a_fit_that_fails_keeps_its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        InlineFitter().submit(lambda: 1 / 0).result()


def test_a_pool_fits_in_another_process() -> None:
    fitter = PoolFitter(1)
    try:
        assert fitter.submit(os.getpid).result(timeout=120) != os.getpid()
    finally:
        fitter.close()


def test_its_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "starter.py"
    script.write_text(STARTER)
    with running([sys.executable, str(script)], stderr=None) as starter:
        assert starter.stdout is not None
        helper = int(starter.stdout.readline())
        starter.kill()
    deadline = time.monotonic() + 120
    while is_running(helper):
        assert time.monotonic() < deadline, "the helper process outlived its parent"
        time.sleep(0.1)


def test_a_process_that_closes_it_ends_whatever_is_being_fitted(tmp_path: Path) -> None:
    script = tmp_path / "closer.py"
    script.write_text(CLOSER)
    with running([sys.executable, str(script), str(tmp_path / "begun")], stderr=None) as closer:
        assert closer.stdout is not None
        assert closer.stdout.readline() == "CancelledError()\n"
        assert closer.wait(120) == 0


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")  # where there is one: a dead process nobody waited for counts as ended
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def die_unless(marker: str) -> str:
    """Ends the process that runs it as a lack of memory would, but for the last of so many times as ``marker`` says."""
    left = int(Path(marker).read_text())
    if left:
        Path(marker).write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return "fitted"


@pytest.fixture
def pool() -> Iterator[tuple[PoolFitter, list[int]]]:
    replaced: list[int] = []
    fitter = PoolFitter(1, lambda: replaced.append(1))
    yield fitter, replaced
    fitter.close()


def test_a_helper_that_dies_is_replaced_and_its_fit_done_by_another(
    pool: tuple[PoolFitter, list[int]], tmp_path: Path
) -> None:
    fitter, replaced = pool
    (tmp_path / "one").write_text("1")
    (tmp_path / "none").write_text("0")
    dying = [fitter.submit(die_unless, str(tmp_path / name)) for name in ("one", "none", "none")]
    assert [future.result(timeout=120) for future in dying] == ["fitted"] * 3
    assert (len(replaced), fitter.broken) == (1, False)


def test_one_that_dies_idle_is_replaced_too(pool: tuple[PoolFitter, list[int]]) -> None:
    fitter, replaced = pool
    helper = fitter.submit(os.getpid).result(timeout=120)
    os.kill(helper, signal.SIGKILL)
    assert fitter.submit(os.getpid).result(timeout=120) != helper
    assert (len(replaced), fitter.broken) == (1, False)


def test_a_fit_that_kills_every_helper_fails_alone(pool: tuple[PoolFitter, list[int]], tmp_path: Path) -> None:
    fitter, replaced = pool
    (tmp_path / "ever").write_text("1000")
    with pytest.raises(BrokenProcessPool):
        fitter.submit(die_unless, str(tmp_path / "ever")).result(timeout=120)
    assert (len(replaced), fitter.broken) == (3, True)
    assert fitter.submit(len, "abc").result(timeout=120) == 3
    assert not fitter.broken


def test_what_is_given_up_is_not_done(pool: tuple[PoolFitter, list[int]]) -> None:
    fitter, _ = pool
    busy, waiting = fitter.submit(time.sleep, 1.0), [fitter.submit(time.sleep, 60.0) for _ in range(4)]
    assert all(future.cancel() for future in waiting)
    busy.result(timeout=120)
    assert fitter.submit(len, "abc").result(timeout=120) == 3
