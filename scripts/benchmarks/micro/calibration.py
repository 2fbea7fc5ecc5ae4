"""How fast this machine is at the moment: a fixed piece of work that has nothing to do with what is measured."""

import statistics
import time
from collections.abc import Callable
from typing import Final

import numpy as np

_TURNS: Final = 3_000
_VALUES: Final = 20_000
_REPEATS: Final = 9


def calibrate(cpu_s: Callable[[], float] = time.process_time) -> float:
    """CPU seconds of a loop of plain Python and of a sort by NumPy, median of several; some milliseconds together."""
    values = np.random.default_rng(5).random(_VALUES)
    took = []
    for _ in range(_REPEATS):
        begun = cpu_s()
        _work(values)
        took.append(cpu_s() - begun)
    return statistics.median(took)


def _work(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    total, names = 0.0, {}
    for number in range(_TURNS):
        names[str(number)] = number
        total += number * 0.5
    return total + float(np.sort(values)[len(names)])
