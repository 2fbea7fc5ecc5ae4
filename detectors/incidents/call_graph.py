"""Who calls whom, or takes from which queue, learned from progress: counts that fade, so what ended is forgotten."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

Calls = Mapping[str, Mapping[str, float]]
"""Of one environment: caller → callee → how often of late, both by the names of their applications."""

NOBODY: Calls = MappingProxyType({})
CALLEES = 200
"""Callees that are remembered of each caller; of more, those called least are forgotten."""
_FORGOTTEN_BELOW = 0.5
_FADE_EVERY_S = 600.0


class CallGraph:
    """Calls between applications; ``calls`` and ``faded_s`` are its state, and are changed in place.

    ``faded_s`` maps a caller to the event time, epoch seconds, at which its counts were last let fade.

    >>> graph = CallGraph({}, {})
    >>> graph.learn("gateway", {"cart": 5, "users": 3}, 0.0, half_life_s=3600.0)
    True
    >>> sorted(graph.callers("cart")), sorted(graph.callees("gateway")), graph.has_callers("gateway")
    (['gateway'], ['cart', 'users'], False)
    """

    def __init__(self, calls: dict[str, dict[str, float]], faded_s: dict[str, float]) -> None:
        self._calls = calls
        self._faded_s = faded_s
        self._callers: dict[str, set[str]] = {}
        for caller, callees in calls.items():
            for callee in callees:
                self._callers.setdefault(callee, set()).add(caller)

    @property
    def calls(self) -> Calls:
        """All that is known."""
        return self._calls

    def learn(self, caller: str, counts: Mapping[str, int], at_s: float, half_life_s: float) -> bool:
        """Count calls until event time ``at_s``; whether one of them is to a callee that was not known."""
        known = self._calls.setdefault(caller, {})
        self._fade(caller, known, at_s, half_life_s)
        found = False
        for callee, count in counts.items():
            if callee == caller or count <= 0:
                continue
            if callee not in known:
                self._callers.setdefault(callee, set()).add(caller)
                found = True
            known[callee] = known.get(callee, 0.0) + count
        while len(known) > CALLEES:
            self._drop(caller, min(known, key=lambda callee: (known[callee], callee)))
        return found

    def callees(self, application: str) -> Collection[str]:
        """Whom the application calls."""
        return self._calls.get(application, {}).keys()

    def callers(self, application: str) -> Collection[str]:
        """Who calls the application."""
        return self._callers.get(application, ())

    def has_callers(self, application: str) -> bool:
        """Whether others call the application."""
        return bool(self._callers.get(application))

    def forget(self, application: str) -> None:
        """Forget whom the application calls."""
        for callee in list(self._calls.get(application, ())):
            self._drop(application, callee)
        self._calls.pop(application, None)
        self._faded_s.pop(application, None)

    def _fade(self, caller: str, known: dict[str, float], at_s: float, half_life_s: float) -> None:
        passed_s = at_s - self._faded_s.setdefault(caller, at_s)
        if passed_s < _FADE_EVERY_S:
            return
        self._faded_s[caller] = at_s
        factor = 0.5 ** (passed_s / half_life_s)
        for callee in list(known):
            known[callee] *= factor
            if known[callee] < _FORGOTTEN_BELOW:
                self._drop(caller, callee)

    def _drop(self, caller: str, callee: str) -> None:
        del self._calls[caller][callee]
        callers = self._callers[callee]
        callers.discard(caller)
        if not callers:
            del self._callers[callee]
