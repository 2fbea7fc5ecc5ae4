"""When what tests send began: the same in each run but for whole half hours."""

import time

_STEP_S = 1_800


def ago(seconds: float) -> float:
    """An epoch second at least so long ago, at the same place of every window of time: what is told of a course depends
    on where windows cut it, and no run is to be the first with its cut.
    """
    return (time.time() - seconds) // _STEP_S * _STEP_S
