"""Which cores a measured process has: what is started within ``on_cores`` inherits them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Keep this thread, and the processes it starts meanwhile, on these cores; where it may not, all stays as it is."""
    before = os.sched_getaffinity(0)
    with suppress(OSError):  # none of them is there
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
