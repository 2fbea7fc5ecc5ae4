"""Why an application is suspected to be the cause of an incident, in one sentence with numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from tracehound.detectors.incidents.cause_roles import (
    CALL,
    CALLED_TOO_LONG,
    ERRORS,
    QUEUED,
    SILENT,
    SLOW,
    SLOW_PART,
    TRAFFIC,
    Role,
    role_of,
)
from tracehound.detectors.incidents.evidence import CauseEvidence
from tracehound.detectors.telling.amounts import duration, number, waiting
from tracehound.detectors.telling.deviation import MESSAGES_OF

NAMED = 3
"""Applications that a sentence names; the rest is counted."""
TOLD = 2
"""Kinds of evidence that a sentence tells."""

Explained = Sequence[tuple[CauseEvidence, float]]
"""Evidence with the weight that counts for a suspect."""
Describe = Callable[[Sequence[CauseEvidence]], str]


def sentence(application: str, explains: Explained, share: float) -> str:
    """What speaks for ``application`` as the cause: the weightiest of what it explains, and how much that is of all.

    >>> slow = CauseEvidence("shop", "GET /", "call_gap_ms", "latency", "stock", "calls to stock", 1.0,
    ...                      1, 5.0, 8.0, 900.0, 0.0, 0.0, 60.0)
    >>> sentence("stock", [(slow, 0.8)], 0.91)
    'stock explains 91 % of what is unusual: calls to it from shop take up to 900 ms longer than usual.'
    """
    said = [part for _, part in sorted(_parts(application, explains), key=lambda part: (-part[0], part[1]))]
    return f"{application} explains {100 * share:.0f} % of what is unusual: {', and '.join(said[:TOLD])}."


def _parts(application: str, explains: Explained) -> Iterator[tuple[float, str]]:
    """What is said of each kind of evidence, with the weight of it all."""
    kinds: dict[Describe, list[tuple[CauseEvidence, float]]] = {}
    for one, weight in explains:
        kinds.setdefault(_kind_of(application, one), []).append((one, weight))
    for describe, found in kinds.items():
        heaviest = sorted(found, key=lambda pair: (-pair[1], pair[0].application, pair[0].operation, pair[0].peer))
        yield sum(weight for _, weight in found), describe([one for one, _ in heaviest])


def _kind_of(application: str, one: CauseEvidence) -> Describe:
    role = role_of(one)
    if one.peer == application and role in (CALL, CALLED_TOO_LONG):
        return _calls_to_it
    if one.application == application:
        return _OWN.get(role, _other)
    return _traffic_elsewhere if role.spread == "to callees" else _waiting


def _calls_to_it(found: Sequence[CauseEvidence]) -> str:
    return f"calls to it from {_names(one.application for one in found)} take up to {_longest(found)} longer than usual"


def _its_calls(found: Sequence[CauseEvidence]) -> str:
    return f"its calls to {_names(one.peer for one in found)} take up to {_longest(found)} longer than usual"


def _own_time(found: Sequence[CauseEvidence]) -> str:
    worst = max(found, key=attrgetter("excess_ms"))
    if worst.excess_ms <= 0.0:
        return "it is slower, or needs more, than usual of its own"
    where = f" in {worst.operation}" if worst.operation else ""
    return f"it takes up to {duration(worst.excess_ms)} longer than usual of its own{where}"


def _errors(found: Sequence[CauseEvidence]) -> str:
    worst = max(found, key=attrgetter("share"))
    if worst.share <= 0.0:
        return f"it fails with {worst.about}" if worst.about else "it fails"
    return f"its share of failed executions is {number(100.0 * worst.share)} percentage points above usual"


def _behind(found: Sequence[CauseEvidence]) -> str:
    worst = max(found, key=attrgetter("excess_ms"))
    queue, _, _ = worst.about.removeprefix(MESSAGES_OF).rpartition(" for ")
    return f"messages{f' of {queue}' if queue else ''} wait up to {waiting(worst.excess_ms)} longer for it than usual"


def _waiting(found: Sequence[CauseEvidence]) -> str:
    return f"{_names(one.application for one in found)} failed or waited meanwhile"


def _silence(found: Sequence[CauseEvidence]) -> str:  # noqa: ARG001 (one way to describe of several)
    return "nothing comes from it any more"


def _traffic(found: Sequence[CauseEvidence]) -> str:
    missing = any(one.about.startswith("missing") for one in found)
    return "it receives less traffic than usual" if missing else "it receives more traffic than usual"


def _traffic_elsewhere(found: Sequence[CauseEvidence]) -> str:
    return f"the traffic of {_names(one.application for one in found)} follows from it"


def _other(found: Sequence[CauseEvidence]) -> str:
    where = found[0].operation
    return f"it works differently than usual{f' in {where}' if where else ''}"


_OWN: dict[Role, Describe] = {
    CALL: _its_calls,
    CALLED_TOO_LONG: _its_calls,
    SLOW: _own_time,
    SLOW_PART: _own_time,
    ERRORS: _errors,
    QUEUED: _behind,
    SILENT: _silence,
    TRAFFIC: _traffic,
}


def _names(names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    told, more = known[:NAMED], len(known) - NAMED
    if more > 0:
        return f"{', '.join(told)} and {more} more"
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _longest(found: Sequence[CauseEvidence]) -> str:
    return duration(max(one.excess_ms for one in found))
