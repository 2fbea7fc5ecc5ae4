"""The evidence of an incident laid over the call graph: what deviates at applications and between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt
from typing import TypeVar

from tracehound.detectors.incidents.call_graph import NOBODY, Calls
from tracehound.detectors.incidents.cause_roles import (
    CALL,
    CALLED_TOO_LONG,
    ERRORS,
    SILENT,
    SLOW,
    TRAFFIC,
    UNANSWERED,
    Role,
    role_of,
    weight_of,
)
from tracehound.detectors.incidents.evidence import CauseEvidence

Key = TypeVar("Key")

MOST_FOLLOWED = 20
"""Applications, the nearest ones, at which the cause of a consequence is looked for: a storm costs no more."""
FADE_S = 120.0
"""Event time in which evidence that is not renewed counts half: one incident may see several faults in turn."""
JUST_SLOW = 0.5
"""How well an application that is slow, but does not fail, explains that its callers fail."""


class Picture:
    """The gravest evidence of each role at each application, and of each pair of caller and called service.

    Of many operations with the same trouble only the gravest counts, so that an application with many of them does
    not outweigh another one. ``at`` maps application → role → evidence, ``between`` (caller, peer) → evidence; both
    in an order that follows from the evidence alone.
    """

    def __init__(self, evidence: Iterable[CauseEvidence], calls: Calls, takes: Calls = NOBODY) -> None:
        self.at: dict[str, dict[Role, CauseEvidence]] = {}
        self.between: dict[tuple[str, str], CauseEvidence] = {}
        self.operations: dict[str, dict[str, float]] = {}
        self._calls = calls
        self._takes = takes
        self._callers: dict[str, dict[str, float]] = {}
        self._troubled: dict[str, list[tuple[str, float]]] = {}
        known = sorted(evidence, key=_by_name)
        newest_s = max((one.last_s for one in known), default=0.0)
        self._weights: dict[int, float] = {
            id(one): weight_of(one) * 0.5 ** ((newest_s - one.last_s) / FADE_S) for one in known
        }
        for one in known:
            self._place(one)
        for caller, called in calls.items():
            for peer, count in called.items():
                self._callers.setdefault(peer, {})[caller] = count
        self.slow_to: dict[str, list[str]] = {}
        self.slow_from: dict[str, list[str]] = {}
        self.unknown_to: dict[str, list[str]] = {}
        for (caller, peer), one in self.between.items():
            if one.signal == UNANSWERED:
                self.unknown_to.setdefault(caller, []).append(peer)
            self.slow_to.setdefault(caller, []).append(peer)
            self.slow_from.setdefault(peer, []).append(caller)

    def _place(self, one: CauseEvidence) -> None:
        role, weight = role_of(one), self.weight(one)
        operations = self.operations.setdefault(one.application, {})
        operations[one.operation] = max(weight, operations.get(one.operation, 0.0))
        if role in (CALL, CALLED_TOO_LONG):
            self._keep_graver(self.between, (one.application, one.peer), one)
        else:
            self._keep_graver(self.at.setdefault(one.application, {}), role, one)

    def _keep_graver(self, kept: dict[Key, CauseEvidence], key: Key, one: CauseEvidence) -> None:
        if key not in kept or self.weight(one) > self.weight(kept[key]):
            kept[key] = one

    def weight(self, one: CauseEvidence) -> float:
        """How much a piece of the evidence weighs, in (0, 1]: by role and deviation, and by when it was last seen."""
        return self._weights[id(one)]

    @property
    def total(self) -> float:
        """The weight of everything that is unusual; above 0 where there is any evidence."""
        here = sum(self.weight(one) for roles in self.at.values() for one in roles.values())
        return here + sum(self.weight(one) for one in self.between.values())

    def share_of_callees(self, application: str) -> float:
        """Which share, in [0, 1), of the services that an application calls it is slow to call.

        Services count by the root of their calls. One that is not slow is added, as often called as the most called:
        that all of a single callee's calls are slow says little about the caller.
        """
        return _share(self.slow_to.get(application, ()), self._calls.get(application, {}), in_doubt=True)

    def share_of_callers(self, application: str) -> float:
        """Which share, in [0, 1], of the applications that call a service are slow to call it, counted likewise."""
        return _share(self.slow_from.get(application, ()), self._callers.get(application, {}), in_doubt=False)

    def below(self, application: str) -> list[tuple[str, float]]:
        """Applications in trouble that it depends on along calls, with how well (0 to 1) they explain its errors."""
        return _walk(application, self._troubled_callees)

    def above(self, application: str) -> list[tuple[str, float]]:
        """Applications with too little or too much traffic whose calls lead to it.

        Of producers whose messages it takes, also those that fail, with what these depend on.
        """
        return _walk(application, self._unusual_callers)

    def flooding(self, application: str) -> list[tuple[str, float]]:
        """Producers with more traffic than usual whose messages an application takes, and where that comes from."""
        producers = [one for one in self._producers(application) if self._has_more_traffic(one)]
        return [(name, 1.0) for one in producers for name in (one, *(name for name, _ in self.above(one)))]

    def _troubled_callees(self, application: str) -> list[tuple[str, float]]:
        if application not in self._troubled:
            slow = self.slow_to.get(application, ())
            called = sorted({*slow, *(self._calls.get(application, {}).keys() & self.at.keys())})
            explained = [(queue, 1.0) for queue in self._slow_queues(application)]
            explained += [(peer, 1.0 if peer in slow else self._explains(peer)) for peer in called]
            self._troubled[application] = [(peer, factor) for peer, factor in explained if factor]
        return self._troubled[application]

    def _explains(self, application: str) -> float:
        """How well it explains that its callers fail."""
        roles = self.at.get(application, {})
        if ERRORS in roles or SILENT in roles:
            return 1.0
        return JUST_SLOW if SLOW in roles or application in self.slow_to else 0.0

    def _unusual_callers(self, application: str) -> list[tuple[str, float]]:
        callers = sorted(self._callers.get(application, {}).keys() & self.at.keys())
        found = [caller for caller in callers if TRAFFIC in self.at[caller] or SILENT in self.at[caller]]
        found += self._slow_queues(application)
        for producer in self._producers(application):
            if ERRORS in self.at[producer]:
                found += [producer, *(name for name, _ in self.below(producer))]
            elif TRAFFIC in self.at[producer] or SILENT in self.at[producer]:
                found.append(producer)
        return [(name, 1.0) for name in found]

    def _slow_queues(self, application: str) -> list[str]:
        """Queues that it takes from, and that producers are slow to send to."""
        return sorted(queue for queue in self._takes.get(application, ()) if queue in self.slow_from)

    def _producers(self, application: str) -> list[str]:
        """Who sends messages that it takes, of those that deviate."""
        queues = self._takes.get(application, ())
        return sorted({one for queue in queues for one in self._callers.get(queue, {}).keys() & self.at.keys()})

    def _has_more_traffic(self, application: str) -> bool:
        traffic = self.at[application].get(TRAFFIC)
        return traffic is not None and not traffic.about.startswith("missing")


def _by_name(one: CauseEvidence) -> tuple[str, str, str, str]:
    return one.application, one.operation, one.signal, one.peer


def _share(slow: Iterable[str], neighbours: Mapping[str, float], in_doubt: bool) -> float:
    weights = {name: sqrt(max(count, 1.0)) for name, count in neighbours.items()}
    found = {name: weights.setdefault(name, 1.0) for name in slow}
    if not found:
        return 0.0
    return sum(found.values()) / (sum(weights.values()) + (max(weights.values()) if in_doubt else 0.0))


def _walk(start: str, following: Callable[[str], Sequence[tuple[str, float]]]) -> list[tuple[str, float]]:
    """The nearest that can be reached, without the start, with the product of what lies on the way."""
    seen, found = {start}, [(start, 1.0)]
    for name, so_far in found:  # (grows meanwhile)
        for other, factor in following(name):
            if other not in seen:
                seen.add(other)
                found.append((other, so_far * factor))
        if len(found) > MOST_FOLLOWED:
            break
    return found[1 : MOST_FOLLOWED + 1]
