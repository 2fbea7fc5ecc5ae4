"""What was measured beside what is usual, as a line of SVG: a range, a tick, and a dot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, MARGIN = 600.0, 20.0
_FAR = 20.0
_APART = 90.0


@dataclass(frozen=True, slots=True)
class Label:
    """A value, where it is written, and which end of it is there (``start``, ``middle`` or ``end``)."""

    value: float
    x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Band:
    """Places on a line from 0 to ``WIDTH``; ``logarithmic`` says that distances are ratios."""

    low: float
    high: float
    typical: float
    actual: float
    logarithmic: bool
    labels: Sequence[Label] = field(default=(), compare=False, repr=False)


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

    places = [(actual, at(point)), (typical, at(middle)), (bounds[1], at(high)), (bounds[0], at(low))]
    return Band(at(low), at(high), at(middle), at(point), logarithmic, _labels(places))


def _labels(places: Sequence[tuple[float, float]]) -> list[Label]:
    """Of values and their places, those that matter most first, what can be written without touching another.

    >>> [(one.value, one.anchor) for one in _labels([(4.0, 580.0), (1.0, 90.0), (2.0, 300.0), (0.5, 20.0)])]
    [(4.0, 'end'), (1.0, 'middle'), (2.0, 'middle')]
    """
    found: list[Label] = []
    for value, x in places:
        if all(abs(x - one.x) >= _APART for one in found):
            anchor = "start" if x < _APART / 2 else "end" if x > WIDTH - _APART / 2 else "middle"
            found.append(Label(value, x, anchor))
    return found
