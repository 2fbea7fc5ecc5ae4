"""A contender as a child process on one core: how far it is, the CPU time it used, the memory it took."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
WARM_SHARE = 0.4
"""The share of the executions after which a clock may start: importing, compiling and joining the group are over.
Whether models are warm by then depends on how many executions each application has; whoever measures must see to it."""
SETTLE_S = 0.5
"""How long a contender that is done is watched: one that reads a record twice would count on."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one contender over the last part of the executions."""

    executions_per_second: float
    executions_per_cpu_second: float
    cpu_s_per_million: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Sample:
    """How far a process was at a moment: seconds of wall and CPU time, executions done."""

    at_s: float
    cpu_s: float
    done: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how it tells how many executions it is done with; asked every ``poll_s`` seconds.

    ``losses`` says what went wrong with executions that it counts as done; empty where nothing did.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    done: Callable[[], int]
    poll_s: float = 0.05
    losses: Callable[[], str] = str


_ENDED = (FileNotFoundError, ProcessLookupError)


def _of_family(pid: int, name: str) -> Iterator[str]:
    """What ``/proc`` has under ``name`` of a process and of its children, those left out that have just ended."""
    yield Path(f"/proc/{pid}/{name}").read_text()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(*_ENDED):
            for child in (task / "children").read_text().split():
                with suppress(*_ENDED):
                    yield from _of_family(int(child), name)


def cpu_seconds(pid: int) -> float:
    """CPU time, of user and system, that a process and its children have used so far.

    That of a child that has ended is its parent's.
    """
    total = 0.0
    for stat in _of_family(pid, "stat"):
        fields = stat.rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / TICKS
    return total


def peak_memory_mb(pid: int) -> float:
    """The most memory that a process and its children have had resident, one at a time."""
    peak_kb = 0
    for status in _of_family(pid, "status"):
        peak_kb += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    return peak_kb / 1024


def measure(
    program: Program,
    total: int,
    core: int,
    timeout_s: float,
    when_warm: Callable[[int], object] | None = None,
    warm_share: float = WARM_SHARE,
    when_done: Callable[[], object] | None = None,
) -> Measurement:
    """Run a program pinned to ``core`` until it is done with ``total`` executions, then end it.

    The clock starts at ``warm_share`` of the executions; ``when_warm`` is then told its process id. ``when_done`` is
    called when the clock has stopped, before the program is ended: a worker still saves its states then.

    Raises:
        RuntimeError: it ended by itself, took longer than ``timeout_s``, lost executions or counted some twice; the
            message holds the end of its log.
    """
    with program.log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *program.command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=program.log.parent,  # Faust leaves a folder where it runs
            env={**os.environ, **program.environment},
        )
    try:
        samples = _watch(process, program, total, time.monotonic() + timeout_s, warm_share * total, when_warm)
        if when_done is not None:
            when_done()
        time.sleep(SETTLE_S)
        done, losses = program.done(), program.losses()
        if done != total or losses:
            raise RuntimeError(f"{_name(program)} must be done with {total} executions. Got {done}. {losses}")
        return measurement(samples, total, peak_memory_mb(process.pid), warm_share)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _watch(
    process: "subprocess.Popen[bytes]",
    program: Program,
    total: int,
    deadline_s: float,
    warm_from: float,
    when_warm: Callable[[int], object] | None,
) -> list[Sample]:
    samples: list[Sample] = []
    warm = False
    while not samples or samples[-1].done < total:
        time.sleep(program.poll_s)
        if process.poll() is not None or time.monotonic() > deadline_s:
            done = samples[-1].done if samples else 0
            ended = program.log.read_text(errors="replace")[-1500:]
            raise RuntimeError(
                f"{_name(program)} ended with {process.returncode} at {done} of {total}. {program.losses()}\n{ended}"
            )
        done = program.done()
        samples.append(Sample(time.monotonic(), cpu_seconds(process.pid), done))
        if not warm and done >= warm_from:
            warm = True
            if when_warm is not None:
                when_warm(process.pid)
    return samples


def _name(program: Program) -> str:
    return " ".join(program.command[-8:])


def measurement(samples: Sequence[Sample], total: int, peak_mb: float, warm_share: float = WARM_SHARE) -> Measurement:
    """What the samples of a run, the last one at ``total``, amount to.

    The clock starts at the first sample with ``warm_share`` of the executions and stops at the last one before the
    end, since after the end there is only waiting for it to be noticed. A run so short that there is no time between
    these two is measured from its first sample to its last.
    """
    inside = [sample for sample in samples if warm_share * total <= sample.done < total]
    first, last = (inside[0], inside[-1]) if inside and inside[-1].done > inside[0].done else (samples[0], samples[-1])
    count = last.done - first.done
    wall_s, cpu_s = max(1e-3, last.at_s - first.at_s), max(1 / TICKS, last.cpu_s - first.cpu_s)
    return Measurement(count / wall_s, count / cpu_s, cpu_s / max(1, count) * 1e6, peak_mb)
