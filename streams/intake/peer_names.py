"""One name for whom a service calls, whether the other side's spans came or not.

A segment whose callee's spans are there is named by the callee's service, another by what its own attributes say (an
address, a name, a queue). Which address is which service is learned from calls of which both are known:

| caller, address and name of the segment | a call without the callee's spans |
|---|---|
| have led to one service so far | has that service for peer |
| have led to several (a gateway, a queue with several consumers) | keeps the address; messages to it always do |
| are not known | keeps the address |
"""

from collections.abc import Callable, Iterable, Sequence

from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import Span

MOST = 5_000
"""Addresses that are remembered; the oldest go first."""
_SEVERAL = ""
_CALLS = frozenset(("http", "rpc", "queue"))

PeerKey = tuple[str, str, str, str]
"""Caller, environment, address and name of the segment."""
Follow = Callable[[PeerKey, str | None], None]
"""Is told who answers at an address: one service, several (empty), or nobody who is remembered (None)."""


class PeerNames:
    """Which service answers at an address, by caller, environment and name of the segment.

    What is named follows from the order of the executions alone.
    """

    def __init__(self, known: Iterable[tuple[str, str, str, str, str]] = ()) -> None:
        self._services: dict[PeerKey, str] = {(caller, where, at, name): who for caller, where, at, name, who in known}
        self._follow: Follow = lambda _key, _service: None

    def followed_by(self, follow: Follow) -> None:
        """Let ``follow`` know of every change from now on."""
        self._follow = follow

    def known(self) -> Iterable[tuple[PeerKey, str]]:
        """Who answers where."""
        return self._services.items()

    def name(self, executions: Sequence[Execution], spans: Sequence[Span]) -> None:
        """Learn from executions who answers where, and name those that did not.

        Parameters:
            executions: whose segments are changed.
            spans: those that the executions were made of.
        """
        addresses: dict[str | None, str | None] | None = None
        services = self._services
        for execution in executions:
            for segment in execution.segments:
                peer = segment.peer
                if peer is None or segment.kind not in _CALLS:
                    continue
                if addresses is None:
                    addresses = {span.id: span.peer for span in spans if span.peer}
                if address := addresses.get(segment.span_id):
                    key = (execution.application, execution.environment, address, segment.name)
                    known = services.get(key)
                    if known != peer:
                        self._name(segment, peer, key, known)

    def _name(self, segment: Segment, peer: str, key: PeerKey, known: str | None) -> None:
        address = key[2]
        if peer != address:
            if known is None:
                self._remember(key, peer)
            else:
                if known != _SEVERAL:
                    self._follow(key, _SEVERAL)
                known = self._services[key] = _SEVERAL
        if known == _SEVERAL and segment.kind == "queue":
            segment.peer = address
        elif known and peer == address:
            segment.peer = known

    def _remember(self, key: PeerKey, service: str) -> None:
        if len(self._services) >= MOST:
            oldest = next(iter(self._services))
            del self._services[oldest]
            self._follow(oldest, None)
        self._services[key] = service
        self._follow(key, service)

    def packed(self) -> list[tuple[str, str, str, str, str]]:
        """All that is known, for a checkpoint, in the order in which it was learned."""
        return [(*key, service) for key, service in self._services.items()]
