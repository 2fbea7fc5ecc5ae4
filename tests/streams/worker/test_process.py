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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such bounds")
def test_memory_that_was_freed_is_used_again_and_not_taken_anew() -> None:
    said = subprocess.run([sys.executable, "-c", _FAULTS_OF_ARRAYS], capture_output=True, text=True, check=True)
    before, after = map(int, said.stdout.split())
    assert before > 100  # or the next line says nothing
    assert after < 10
