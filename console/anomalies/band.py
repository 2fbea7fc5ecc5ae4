"""What was measured beside what is usual, as a line of SVG: a range, a tick, and a dot."""

import math
from dataclasses import dataclass

WIDTH, MARGIN = 600.0, 20.0
_FAR = 20.0


@dataclass(frozen=True, slots=True)
class Band:
    """Places on a line from 0 to ``WIDTH``; ``logarithmic`` says that distances are ratios."""

    low: float
    high: float
    typical: float
    actual: float
    logarithmic: bool


def band(typical: float, bounds: tuple[float, float], actual: float) -> Band | None:
    """Where they lie; None if they cannot be drawn. Values that are far from each other are drawn by their ratios.

    >>> band(100.0, (50.0, 200.0), 400.0)
    Band(low=20.0, high=260.0, typical=100.0, actual=580.0, logarithmic=False)
    """
    values = (*bounds, typical, actual)
    if not all(map(math.isfinite, values)):
        return None
    logarithmic = min(values) > 0 and max(values) / min(values) > _FAR
    low, high, middle, point = (math.log(one) for one in values) if logarithmic else values
    first, last = min(low, middle, point), max(high, middle, point)
    if last <= first:
        return None

    def at(value: float) -> float:
        return round(MARGIN + (value - first) / (last - first) * (WIDTH - 2 * MARGIN), 1)

    return Band(at(low), at(high), at(middle), at(point), logarithmic)
