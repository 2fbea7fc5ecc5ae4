"""How far something is from what is usual, and how large that is, so that deviations can be compared."""

import math
from dataclasses import dataclass

ERROR_TYPE = "error_type"
"""The signal of a type of error that is new; the actual value counts its sightings, and it has no size."""
SEGMENT_SET = "structure_set"
"""The signal of segments that do not occur together usually; it has no size either."""
QUEUE_GAP = "queue_gap_ms"
"""The signal of messages that wait in a queue."""
TEMPLATE_RATE = "template_rate"
"""The signal of log events of one template that come far more often than they ever did."""
MESSAGES_OF = "messages of "
"""How contributions name a queue and who takes its messages."""
_SMALL = {"share": 0.01, "executions/s": 0.1}


@dataclass(frozen=True, slots=True)
class Deviation:
    """A signal beside what is usual: ``typical``, ``actual`` and ``bounds`` in ``unit``.

    ``score`` is −log10 of the false-alarm probability, ``sigma`` the deviation in standard deviations.
    """

    signal: str
    unit: str
    typical: float
    actual: float
    bounds: tuple[float, float]
    score: float
    sigma: float

    @property
    def size(self) -> float:
        """See ``size_of``."""
        return size_of(self.signal, self.unit, self.typical, self.actual)


def size_of(signal: str, unit: str, typical: float, actual: float) -> float:
    """The natural logarithm of how many times the typical value the actual one is; negative where it is less.

    A little is added to both, so that tiny values count little; percentiles are compared by their odds. A type of
    error has no size: it is the type that is new, however often it comes; nor has a set of segments.

    >>> round(size_of("self_ms", "ms", 9.0, 99.0), 2), size_of("error_type", "executions", 0.0, 7.0)
    (2.3, 0.0)
    """
    if signal in (ERROR_TYPE, SEGMENT_SET):
        return 0.0
    if unit == "percentile":
        typical, actual = (100.0 * value / (100.5 - min(100.0, max(0.0, value))) for value in (typical, actual))
    small = _SMALL.get(unit, 1.0)
    above, below = small + (actual if actual > 0.0 else 0.0), small + (typical if typical > 0.0 else 0.0)
    return math.log(above / below)
