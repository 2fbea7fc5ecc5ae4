"""A contender as a child process on one core: how far it is, the CPU time it used, the memory it took."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
WARM_SHARE = 0.4
"""The share of the executions after which the clock starts: importing, compiling, joining the group and every
application's first refit are over; later refits count."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one contender over the last 60 % of the executions."""

    executions_per_second: float
    executions_per_cpu_second: float
    peak_mb: float


def _family(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(member for child in children for member in _family(child))]


def cpu_seconds(pid: int) -> float:
    """CPU time, of user and system, that a process and its children have used so far."""
    total = 0.0
    for member in _family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / TICKS
    return total


def peak_memory_mb(pid: int) -> float:
    """The most memory that a process and its children have had resident, one at a time."""
    peak_kb = 0
    for member in _family(pid):
        status = Path(f"/proc/{member}/status").read_text()
        peak_kb += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    return peak_kb / 1024


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    scored: Callable[[], int],
    total: int,
    core: int,
    timeout_s: float,
) -> Measurement:
    """Run ``command`` pinned to ``core`` until ``scored()`` reaches ``total``, then end it.

    Raises:
        RuntimeError: it ended by itself or took longer than ``timeout_s``; the message holds the end of its log.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        begun: tuple[float, float, int] | None = None
        deadline = time.monotonic() + timeout_s
        while True:
            time.sleep(0.05)
            if process.poll() is not None or time.monotonic() > deadline:
                ended = log.read_text(errors="replace")[-1500:]
                raise RuntimeError(f"{command} ended with {process.returncode} at {scored()} of {total}: {ended}")
            done, now_s = scored(), time.monotonic()
            if begun is None and done >= WARM_SHARE * total:
                begun = (now_s, cpu_seconds(process.pid), done)
            if done >= total and begun is not None:
                first_s, first_cpu_s, first = begun
                count = done - first
                cpu_s = cpu_seconds(process.pid) - first_cpu_s
                return Measurement(count / (now_s - first_s), count / cpu_s, peak_memory_mb(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
