"""Which operations, called services and queues of an application give their places to others once all are taken."""

from collections.abc import Iterable
from dataclasses import dataclass

PERIOD = 1_024
"""Executions of an application after which it is looked who was not seen since; what was not is idle for one more."""
KNOWN = 30
"""Executions from which something is known, and not given up before it was missing for long by its own measure."""
MISSING = 20.0
"""Times its own usual distance, in executions of its application, for which what is known must be missing."""
SHARE = 0.1
"""Of the places: so many are freed at once, those of what is least known first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who has a place: its ``name``, the executions ``seen``, and for how many periods it has been ``idle``."""

    name: str
    seen: int
    idle: int


def give_way(places: Iterable[Place], executions: int, limit: int) -> list[str]:
    """Names that give way, in an application of ``executions`` with ``limit`` places; none if some are free.

    What one execution needed, a scanner's path or a name that was generated, goes first and soon; a job of every night
    stays, and what is in use always does.

    >>> scanned = [Place(f"GET /wp-{number}", 1, 2) for number in range(8)]
    >>> known = [Place("GET /cart", 5_000, 0), Place("nightly", 40, 90)]
    >>> give_way([*known, *scanned], 100_000, limit=10), give_way([*known, *scanned], 100_000, limit=20)
    (['GET /wp-0'], [])
    """
    taken = list(places)
    if len(taken) < limit:
        return []
    idle = [one for one in taken if _is_idle(one, executions)]
    idle.sort(key=lambda one: (min(one.seen, KNOWN), -one.idle))
    return [one.name for one in idle[: max(1, int(SHARE * limit))]]


def _is_idle(one: Place, executions: int) -> bool:
    if one.seen < KNOWN:
        return one.idle >= 2  # (one whole period, and a part)
    return one.idle * PERIOD > MISSING * executions / one.seen
