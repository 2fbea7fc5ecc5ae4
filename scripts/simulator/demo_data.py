"""A simulation for an empty console: the demo's applications, with one of them waiting for its database of late."""

from collections.abc import Sequence
from typing import Final

from tracehound.schemas.execution import Execution
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault
from tracehound.scripts.simulator.feed import Feed
from tracehound.scripts.simulator.simulation import Simulation, even_traffic

_RATE: Final = 40.0
_SEED: Final = 1
_BEFORE_S, _LASTS_S = 40.0, 240.0


class DemoSimulation:
    """A simulation that begins at ``start_s`` and is live from ``live_s`` on (epoch seconds).

    >>> found = DemoSimulation(1767225600.0, 1767226200.0).until(1767225610.0)
    >>> 200 < len(found) < 600, len({execution.application for execution in found})
    (True, 6)
    """

    def __init__(self, start_s: float, live_s: float) -> None:
        system = build_system(seed=_SEED, messages=True)
        simulation = Simulation(system, _SEED, _RATE, start_s, even_traffic)
        simulation.inject(Fault("slow_dependency", "orders", live_s - _BEFORE_S, _LASTS_S, 8.0, peer="orders-db"))
        self._ended: list[Execution] = []
        self._feed = Feed(simulation, self)

    def until(self, now_s: float) -> Sequence[Execution]:
        """What has ended since the last call, until ``now_s`` (epoch seconds)."""
        self._feed.advance(now_s)
        ended, self._ended = self._ended, []
        return ended

    def send(self, execution: Execution) -> None:
        """Take what the feed hands over."""
        self._ended.append(execution)

    def flush(self) -> None:
        """Nothing is held back."""
