"""Where an incident starts: the application that explains most of what is unusual in it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tracehound.detectors.incidents.call_graph import NOBODY, Calls
from tracehound.detectors.incidents.cause_picture import Picture
from tracehound.detectors.incidents.cause_roles import CALLED_TOO_LONG, QUEUED, WINDOW_LATENCY, Role, role_of
from tracehound.detectors.incidents.cause_sentence import sentence
from tracehound.detectors.incidents.evidence import CauseEvidence
from tracehound.schemas.incident import SuspectedCause

ONE_CALLER = 0.5
"""How well a service explains slow calls to it while next to none of its callers show them."""
MOST_PER_EXECUTION = 2.0
"""Times as often as what it depends on that an application is expected to fail because of that."""
STANDS_OUT = 0.6
"""Share of what is unusual at an application that lies in one operation, for it to be named."""


@dataclass(slots=True)
class Suspect:
    """An application and the evidence that it would explain: each with the weight that counts for it."""

    application: str
    _explained: dict[int, tuple[CauseEvidence, float]] = field(default_factory=dict)

    def explain(self, one: CauseEvidence, weight: float) -> None:
        """Count evidence once, the better of two explanations."""
        if id(one) not in self._explained or weight > self._explained[id(one)][1]:
            self._explained[id(one)] = one, weight

    @property
    def explains(self) -> list[tuple[CauseEvidence, float]]:
        """The evidence with its weight."""
        return list(self._explained.values())

    @property
    def weight(self) -> float:
        """How much of what is unusual it explains."""
        return sum(weight for _, weight in self._explained.values())

    @property
    def since_s(self) -> float:
        """Event time of the earliest evidence, epoch seconds."""
        return min(one.first_s for one, _ in self._explained.values())


def suspected_causes(
    evidence: Iterable[CauseEvidence], calls: Calls, most: int = 3, takes: Calls = NOBODY
) -> list[SuspectedCause]:
    """The ``most`` most likely causes of an incident with this evidence, the likeliest first; empty without evidence.

    Each application, and each service that is called, is asked which share of the evidence a fault in it would
    explain; evidence counts by role and deviation (``cause_roles``):

    - what is slow of its own explains itself; a window in which all is slower is also explained by a service without
      traces that is slow to call, for which nobody else answers;
    - slow calls from A to B are explained by B the better, the larger the share of B's callers that show them, and by
      A by the share of the services it calls that it is slow to call: a service that lacks CPU, or whose network is
      slow, is slow towards all; where only calls to one are slow, the cause is behind them;
    - errors, executions that pile up, and messages that wait are also explained by what the application depends on:
      services along its calls that fail, are silent, or are slow to call;
    - missing or additional traffic and silence are also explained by callers with unusual traffic;
    - across queues (``takes``: consumer → queue → messages of late) the consumer depends on who sends, never the other
      way round: missing messages are explained by producers that fail, too, and by what makes these fail, or by a queue
      that is slow to send to; messages that wait by such a queue, too, and by producers with more traffic than usual.

    What several explain is divided between them, so that the shares of the two likeliest never exceed 1 together.

    A function of its arguments alone, whatever the order of the evidence. Fails where several faults happen at once
    (the largest comes first), and where the cause has neither traces nor callers with traces.

    >>> def slow_call(application, peer):
    ...     return CauseEvidence(application, "GET /", "call_gap_ms", "latency", peer, f"calls to {peer}", 1.0,
    ...                          1, 5.0, 8.0, 900.0, 0.0, 0.0, 60.0)
    >>> calls = {"shop": {"stock": 90.0, "price": 90.0}, "admin": {"stock": 10.0}}
    >>> [stock, shop] = suspected_causes([slow_call("shop", "stock")], calls)
    >>> stock.application, round(stock.share, 2), shop.application, round(shop.share, 2)
    ('stock', 0.72, 'shop', 0.28)
    """
    picture = Picture(evidence, calls, takes)
    suspects: dict[str, Suspect] = {}
    for application, one, weight in _explanations(picture):
        suspects.setdefault(application, Suspect(application)).explain(one, weight)
    ranked = sorted(suspects.values(), key=lambda it: (-round(it.weight, 9), it.since_s, it.application))
    whole = max(picture.total, sum(suspect.weight for suspect in ranked[:2]))
    return [_told(suspect, picture, whole) for suspect in ranked[:most]]


def _explanations(picture: Picture) -> Iterator[tuple[str, CauseEvidence, float]]:
    """Which application explains which evidence, and with what weight."""
    for application, roles in picture.at.items():
        for role, one in roles.items():
            yield application, one, picture.weight(one)
            yield from _elsewhere(picture, application, role, one)
            if one.signal == WINDOW_LATENCY:
                for peer in picture.unknown_to.get(application, ()):
                    yield peer, one, picture.weight(one) * picture.share_of_callers(peer)
    for (caller, peer), one in picture.between.items():
        weight = picture.weight(one)
        yield peer, one, weight * (ONE_CALLER + (1.0 - ONE_CALLER) * picture.share_of_callers(peer))
        yield caller, one, weight * picture.share_of_callees(caller)
        if role_of(one) is CALLED_TOO_LONG:
            yield from _elsewhere(picture, peer, CALLED_TOO_LONG, one)


def _elsewhere(
    picture: Picture, application: str, role: Role, one: CauseEvidence
) -> Iterator[tuple[str, CauseEvidence, float]]:
    if role.spread == "stays":
        return
    there = picture.below(application) if role.spread == "to callers" else picture.above(application)
    if role is QUEUED:
        there = [*there, *picture.flooding(application)]
    for other, factor in there:
        yield other, one, picture.weight(one) * factor * _large_enough(picture.at.get(other, {}).get(role), one)


def _large_enough(cause: CauseEvidence | None, one: CauseEvidence) -> float:
    """How well errors of one application explain those of a caller that fails more often; 1 where rates are not known.

    A caller may call it several times in an execution, but not very often.
    """
    if cause is None or cause.share <= 0.0 or one.share <= 0.0:
        return 1.0
    return min(1.0, MOST_PER_EXECUTION * cause.share / one.share)


def _told(suspect: Suspect, picture: Picture, whole: float) -> SuspectedCause:
    share = math.floor(1000.0 * suspect.weight / whole + 1e-9) / 1000.0  # (rounded up, two could exceed 1)
    why = sentence(suspect.application, suspect.explains, share)
    return SuspectedCause(suspect.application, _operation(suspect, picture), share, why)


def _operation(suspect: Suspect, picture: Picture) -> str:
    """The operation that stands out where most of the evidence is the application's own; else empty."""
    own = sum(weight for one, weight in suspect.explains if one.application == suspect.application)
    operations = picture.operations.get(suspect.application)
    if operations is None or own < suspect.weight / 2.0:
        return ""
    name, weight = max(operations.items(), key=lambda item: (item[1], item[0]))
    return name if weight >= STANDS_OUT * sum(operations.values()) else ""
