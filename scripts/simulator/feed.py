"""Feeds a simulation to a sink by the clock: the past at full speed, then as it happens."""

from collections.abc import Callable, Iterator
from typing import Protocol

from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.simulation import Emitted, Simulation

STEP_S = 30.0
"""Event time between reports while the past is sent."""

LIVE_S = 0.5
"""What is sent this soon after it happened counts as live."""


class Sink(Protocol):
    """Where executions go, in the order in which they end."""

    def send(self, execution: Execution) -> None:
        """Take one execution."""
        ...

    def flush(self) -> None:
        """Let everything taken leave now."""
        ...


class Feed:
    """Hands a simulation's executions to a sink once they have ended. ``sent`` counts them."""

    def __init__(self, simulation: Simulation, sink: Sink) -> None:
        self._stream: Iterator[Emitted] = iter(simulation)
        self._next = next(self._stream)
        self._sink = sink
        self.sent = 0

    def advance(self, now_s: float) -> None:
        """Send everything that has ended by ``now_s`` (epoch seconds)."""
        while self._next.at_s <= now_s:
            self._sink.send(self._next.execution)
            self.sent += 1
            self._next = next(self._stream)
        self._sink.flush()

    def catch_up(
        self, start_s: float, clock: Callable[[], float], report: Callable[[float], None] = lambda _: None
    ) -> float:
        """Send the past from ``start_s`` on at full speed until it is ``LIVE_S`` behind the clock; returns where it is.

        ``report`` is told the event time reached, after each ``STEP_S`` of it.
        """
        reached_s = start_s
        while reached_s < (now_s := clock()) - LIVE_S:
            reached_s = min(now_s, reached_s + STEP_S)
            self.advance(reached_s)
            report(reached_s)
        return reached_s
