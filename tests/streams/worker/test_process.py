"""What every long-running process is."""

import platform
import subprocess
import sys

import pytest

_FAULTS_OF_ARRAYS = """
import resource
import numpy as np
from tracehound.streams.worker.process import keep_freed_memory

def faults():
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        [np.ones(megabytes << 20, np.uint8) for megabytes in (4, 8, 4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - begun

before = faults()
keep_freed_memory()
faults()
print(before, faults())
"""

_PAGES_BELOW_WHAT_IS_KEPT = """
import threading
from pathlib import Path
import numpy as np
from tracehound.streams.worker.process import give_back_freed_memory, keep_freed_memory

def resident_kb():
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1])

kept = []

def take_and_free():
    arrays = [np.ones(65_536, np.uint8) for _ in range(320)]
    kept.append(np.ones(65_536, np.uint8))

keep_freed_memory()
take_and_free()
thread = threading.Thread(target=take_and_free)
thread.start()
thread.join()
before = resident_kb()
give_back_freed_memory()
print(before - resident_kb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such bounds")
def test_memory_that_was_freed_is_used_again_and_not_taken_anew() -> None:
    said = subprocess.run([sys.executable, "-c", _FAULTS_OF_ARRAYS], capture_output=True, text=True, check=True)
    before, after = map(int, said.stdout.split())
    assert before > 100  # or the next line says nothing
    assert after < 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such bounds")
def test_freed_memory_is_given_back_below_what_is_in_use_and_of_other_threads() -> None:
    command = [sys.executable, "-c", _PAGES_BELOW_WHAT_IS_KEPT]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(said.stdout) > 30_000  # of 40 MB, half of them in the heap of a thread
