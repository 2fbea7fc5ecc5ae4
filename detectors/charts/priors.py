"""What is assumed of an application before anything is known of it; every snapshot names the version it began with."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

PRIOR_VERSION = 1
"""Part of every snapshot. An application keeps the prior that it began with: by the time another one is shipped, its
own values have taken the prior's place."""
PRIOR_SIZE = 60
"""How many values of its own an application must have seen for the shipped ones to weigh less than half."""

_MEDIAN_AND_SPREAD = {
    "self_ms": (5.0, 1.5),
    "call_gap_ms": (3.0, 1.0),
    "call_ms": (5.0, 1.5),
    "queue_gap_ms": (50.0, 1.5),
    "local_ms": (20.0, 1.7),
    "memory_peak_mb": (100.0, 1.0),
}


def shipped_reference(signal: str) -> NDArray[np.float32]:
    """``PRIOR_SIZE`` values, ascending, in the signal's unit: a log-normal distribution as wide as services differ.

    Raises:
        KeyError: no prior is shipped for that signal.

    >>> [round(float(value), 1) for value in shipped_reference("call_gap_ms")[[0, 30, 59]]]
    [0.3, 3.1, 32.9]
    """
    median, spread = _MEDIAN_AND_SPREAD[signal]
    normal = NormalDist()
    return np.array(
        [median * np.exp(spread * normal.inv_cdf((i + 0.5) / PRIOR_SIZE)) for i in range(PRIOR_SIZE)], np.float32
    )
