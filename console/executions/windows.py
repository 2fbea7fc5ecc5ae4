"""Executions by operation and window of event time: how many, what came out, and where their numbers lie."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tracehound.console.executions.measures import ATTRIBUTE, MOST_ATTRIBUTES, numbers_of, result_of
from tracehound.console.executions.sketch import Sketch
from tracehound.schemas.execution import ApplicationKey, ExecutionHead

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
WIDTHS_S: Final = (MINUTE_S, HOUR_S, DAY_S)
"""How long windows are, in seconds of event time; older executions are in longer ones."""
MOST_RESULTS: Final = 16
OTHERS: Final = ""
"""The operation that stands for those beyond the bound, and the result that stands for those beyond theirs."""


class WindowKey(NamedTuple):
    """Which window: of whom, how long (seconds), and from when on (epoch seconds, a multiple of its length)."""

    application: str
    environment: str
    operation: str
    width_s: int
    start_s: int


@dataclass(slots=True)
class Numbers:
    """Numbers of one name: exact count (that of the sketch), sum and extremes, and a sketch of where they lie."""

    sketch: Sketch = field(default_factory=Sketch)
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, values: list[float]) -> None:
        """Add some finite numbers; at least one."""
        self.sketch.add(values)
        self.total += sum(values)
        self.low, self.high = min(self.low, min(values)), max(self.high, max(values))

    def merge(self, other: "Numbers") -> None:
        """Add those of another."""
        self.sketch.merge(other.sketch)
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def quantiles(self, shares: Iterable[float]) -> list[float]:
        """As ``Sketch.quantiles``, and never beyond the extremes, which are exact."""
        shares = list(shares)
        found = (min(self.high, max(self.low, value)) for value in self.sketch.quantiles(shares))
        exact = {0.0: self.low, 1.0: self.high}
        return [exact.get(share, value) for share, value in zip(shares, found, strict=True)]


@dataclass(slots=True)
class Window:
    """What is kept of the executions of an operation in a window: ``count`` in all, ``errors`` of them failed."""

    count: int = 0
    errors: int = 0
    results: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, Numbers] = field(default_factory=dict)

    def merge(self, other: "Window") -> None:
        """Add what another holds; of too many attributes those stay that most executions have."""
        self.count += other.count
        self.errors += other.errors
        for result, count in other.results.items():
            self.results[result] = self.results.get(result, 0) + count
        for name, numbers in other.numbers.items():
            known = self.numbers.get(name)
            if known is None:
                known = self.numbers[name] = Numbers()
            known.merge(numbers)
        self.keep_bounds()

    def keep_bounds(self) -> None:
        """Leave out what is beyond the bounds on names, the rarest first."""
        attributes = [name for name in self.numbers if name.startswith(ATTRIBUTE)]
        if len(attributes) > MOST_ATTRIBUTES:
            by_count = sorted(attributes, key=lambda name: (-self.numbers[name].sketch.count, name))
            for name in by_count[MOST_ATTRIBUTES:]:
                del self.numbers[name]
        if len(self.results) > MOST_RESULTS:
            named = sorted(self.results, key=lambda one: (one == OTHERS, -self.results[one], one))
            rare = [one for one in named[MOST_RESULTS - 1 :] if one != OTHERS]
            self.results[OTHERS] = self.results.get(OTHERS, 0) + sum(self.results.pop(one) for one in rare)


@dataclass(slots=True)
class _Gathered:
    """Executions of a window that are not yet in sketches: adding many numbers at once is far cheaper."""

    count: int = 0
    errors: int = 0
    results: dict[str, int] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)


class Gathering:
    """Gathers executions until they are stored; what it holds is nowhere else.

    Parameters:
        private: words in names of attributes that are not kept (``detectors.features.attributes.is_public``).
    """

    def __init__(self, private: frozenset[str]) -> None:
        self._private = private
        self._windows: dict[WindowKey, _Gathered] = {}
        self.late: dict[ApplicationKey, int] = {}
        """Executions that came too late for any window."""
        self.values = 0
        """How many numbers it holds."""
        self.lists = 0
        """How many lists of numbers these are, each of which becomes a sketch."""

    def __len__(self) -> int:
        return len(self._windows)

    def add(self, execution: ExecutionHead, key: WindowKey) -> None:
        """One execution, which belongs to the window."""
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Gathered()
        window.count += 1
        window.errors += execution.failed
        result = result_of(execution)
        if result:
            if result not in window.results and len(window.results) >= MOST_RESULTS - 1:
                result = OTHERS
            window.results[result] = window.results.get(result, 0) + 1
        values = window.values
        for name, value in numbers_of(execution, self._private):
            known = values.get(name)
            if known is None:
                if name.startswith(ATTRIBUTE) and len(values) >= MOST_ATTRIBUTES + 4:
                    continue
                known = values[name] = []
                self.lists += 1
            known.append(value)
            self.values += 1

    def add_late(self, key: ApplicationKey) -> None:
        """One execution that is counted and otherwise left out."""
        self.late[key] = self.late.get(key, 0) + 1

    def take(self) -> Mapping[WindowKey, Window]:
        """All that was gathered, as windows; afterwards it holds nothing."""
        taken = {}
        for key, gathered in self._windows.items():
            window = taken[key] = Window(gathered.count, gathered.errors, gathered.results)
            for name, values in gathered.values.items():
                numbers = window.numbers[name] = Numbers()
                numbers.add(values)
            window.keep_bounds()
        self._windows, self.values, self.lists = {}, 0, 0
        return taken


def begin_of(at_s: float, width_s: int) -> int:
    """The begin of the window that a moment lies in, in epoch seconds.

    >>> begin_of(125.5, MINUTE_S)
    120
    """
    return int(at_s // width_s) * width_s
