import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracehound.scripts.commands.demo import OPENING, opening_faults
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.targets import target_of, targets


def test_the_opening_has_different_faults_each_at_a_target_of_its_own() -> None:
    faults = opening_faults(1_000.0, None)

    assert len({fault.name for fault in faults}) == len(OPENING)
    assert len({fault.application for fault in faults}) == len(OPENING)
    for fault in faults:
        assert target_of(fault) in targets(fault.name, build_system())


@pytest.mark.parametrize(("duration_s", "count"), [(60.0, 6), (35.0, 4), (10.0, 0)])
def test_a_fault_is_injected_only_if_time_is_left_to_detect_it(duration_s: float, count: int) -> None:
    assert len(opening_faults(1_000.0, duration_s)) == count


def running(marker: str) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except (OSError, ValueError):
            continue
        if marker.encode() in command and process.name != str(os.getpid()):
            found.append(process.name)
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by Linux' /proc")
def test_an_interrupted_demo_leaves_no_processes_and_files(tmp_path: Path) -> None:
    marker = f"DEMO_TEST={tmp_path}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tracehound.scripts.cli", "demo"],
        env={**os.environ, "DEMO_TEST": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("sending the past"):
            break
    assert len(running(marker)) > 2

    process.send_signal(signal.SIGINT)
    said = process.stdout.read()

    assert process.wait(60) == 0
    assert "Ended; nothing is left behind." in said
    deadline_s = time.monotonic() + 10
    while running(marker) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert running(marker) == []
    assert list(tmp_path.iterdir()) == []
    process.stdout.close()
