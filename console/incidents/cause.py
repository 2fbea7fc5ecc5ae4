"""An incident's cause as it is told: what is suspected, what else could be, and the path from there to the symptoms."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tracehound.schemas.incident import Incident, SuspectedCause

Calls = Mapping[str, Sequence[str]]
"""Which applications call an application, by its name."""


class Step(msgspec.Struct):
    """An application on a path; ``anomalies`` are those of the incident there."""

    application: str
    anomalies: int


class Cause(msgspec.Struct):
    """What an incident seems to start with, what else could be, and by way of whom it came to each symptom.

    Each path leads from the suspected cause against the direction of calls to an application of the incident that
    nobody of the incident calls: where people notice it.
    """

    incident_id: str
    suspected_cause: SuspectedCause | None
    runner_up: SuspectedCause | None
    paths: list[list[Step]]


def cause_of(incident: Incident, calls: Iterable[tuple[str, str]]) -> Cause:
    """The cause of an incident; ``calls`` are pairs of caller and callee at that time."""
    counts: dict[str, int] = dict.fromkeys(incident.applications, 0)
    for part in incident.operations:
        counts[part.application] = counts.get(part.application, 0) + part.anomalies
    callers: dict[str, list[str]] = {}
    suspected = incident.suspected_cause
    known = counts.keys() | ({suspected.application} if suspected else set())  # a database tells nothing of itself
    for caller, callee in calls:
        if caller in known and callee in known and caller != callee:
            callers.setdefault(callee, []).append(caller)
    paths = [] if suspected is None else _paths(suspected.application, callers)
    told = [[Step(one, counts.get(one, 0)) for one in path] for path in paths]
    return Cause(incident.incident_id, suspected, incident.runner_up, told)


def _paths(start: str, callers: Calls) -> list[list[str]]:
    """The shortest path from ``start`` to each application that is reached and that nobody calls.

    >>> _paths("db", {"db": ["orders"], "orders": ["gateway"]})
    [['db', 'orders', 'gateway']]
    """
    before: dict[str, str | None] = {start: None}
    waiting, ends = deque([start]), list[str]()
    while waiting:
        here = waiting.popleft()
        new = [one for one in sorted(callers.get(here, ())) if one not in before]
        for one in new:
            before[one] = here
            waiting.append(one)
        if not callers.get(here) and here != start:
            ends.append(here)
    return [_back(end, before) for end in ends]


def _back(end: str, before: Mapping[str, str | None]) -> list[str]:
    path, here = list[str](), end
    while True:
        path.append(here)
        following = before[here]
        if following is None:
            return path[::-1]
        here = following
