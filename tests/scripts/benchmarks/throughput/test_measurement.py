import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracehound.scripts.benchmarks.measured_process import (
    Program,
    Sample,
    cpu_seconds,
    measure,
    measurement,
    peak_memory_mb,
)
from tracehound.scripts.benchmarks.throughput.contender_list import last_count

CORE = min(os.sched_getaffinity(0))
COUNTING = """
import sys, time
for done in range(0, {last} + 1, {step}):
    print(done, flush=True)
    time.sleep(0.02)
time.sleep({then})
"""


def program(folder: Path, last: int, then: float = 60.0, losses: str = "") -> Program:
    log = folder / "log"
    code = COUNTING.format(last=last, step=last // 10, then=then)
    return Program([sys.executable, "-c", code], {}, log, lambda: last_count(log), 0.01, lambda: losses)


def test_the_clock_starts_after_forty_percent_and_stops_at_the_last_sample_before_the_end() -> None:
    samples = [
        Sample(0.0, 0.0, 0),
        Sample(10.0, 8.0, 300),
        Sample(11.0, 8.5, 400),
        Sample(13.0, 9.5, 800),
        Sample(90.0, 70.0, 1_000),
    ]

    found = measurement(samples, 1_000, 12.5)

    assert (found.executions_per_second, found.executions_per_cpu_second) == (200.0, 400.0)
    assert (found.cpu_s_per_million, found.peak_mb) == (2_500.0, 12.5)


def test_a_run_without_time_between_start_and_end_is_measured_whole() -> None:
    found = measurement([Sample(1.0, 0.5, 0), Sample(2.0, 1.0, 450), Sample(3.0, 1.5, 1_000)], 1_000, 1.0)

    assert (found.executions_per_second, found.executions_per_cpu_second) == (500.0, 1_000.0)


def test_a_run_of_one_sample_divides_by_nothing() -> None:
    assert measurement([Sample(1.0, 0.5, 10)], 10, 1.0).executions_per_second == 0.0


def test_a_program_is_measured_and_ended_and_told_of_when_the_clock_starts_and_stops(tmp_path: Path) -> None:
    told: list[int] = []
    there: list[bool] = []

    found = measure(
        program(tmp_path, 1_000),
        1_000,
        CORE,
        30.0,
        told.append,
        when_done=lambda: there.append(Path(f"/proc/{told[0]}").exists()),
    )

    assert found.executions_per_second > 0
    assert found.peak_mb > 1
    assert (len(told), there) == (1, [True])
    assert not Path(f"/proc/{told[0]}").exists()


@pytest.mark.parametrize(
    ("last", "then", "losses", "sentence"),
    [
        (1_200, 60.0, "", r"must be done with 1000 executions. Got 1200"),
        (1_000, 60.0, "dead_letters: 3", r"Got 1000. dead_letters: 3"),
        (900, 0.0, "", r"ended with 0 at \d+ of 1000"),
    ],
)
def test_who_counts_too_many_loses_some_or_ends_early_is_not_measured(
    tmp_path: Path, last: int, then: float, losses: str, sentence: str
) -> None:
    with pytest.raises(RuntimeError, match=sentence):
        measure(program(tmp_path, last, then, losses), 1_000, CORE, 120.0)


def test_who_takes_too_long_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with None"):
        measure(program(tmp_path, 500), 1_000, CORE, 1.0)


def test_children_that_end_while_they_are_asked_for_are_left_out() -> None:
    code = "import subprocess\nprint(flush=True)\nwhile True: subprocess.run(['true'])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # before its program is loaded, a process has hardly any memory
            used = [0.0]
            while len(used) < 200 or used[-1] <= 0.1:
                used.append(cpu_seconds(process.pid))
                assert peak_memory_mb(process.pid) > 1
        finally:
            process.kill()
    assert used == sorted(used)
