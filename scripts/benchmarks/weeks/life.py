"""What an ordinary life is made of: who asks for what, how often, how long it takes, and what happens to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from zlib import crc32

import numpy as np

from tracehound.schemas.execution import ExecutionKind, SegmentKind
from tracehound.scripts.benchmarks.weeks.curves import Always, Curve

Moment = Literal["busy", "night", "ramp", "batch", "release", "holiday"]
"""When a fault is planted: in the busiest hours, the quietest, where traffic rises most, within a job or another
happening of the life, right after a release, or on a bank holiday."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of an operation: it takes ``ms`` in the median, log-normal with ``sigma``, and is there by ``chance``.

    ``peer`` is who is called; with ``joined`` the callee's own duration is known.
    """

    name: str
    ms: float
    kind: SegmentKind = "db"
    sigma: float = 0.35
    chance: float = 1.0
    peer: str | None = None
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request: ``weight`` is its share of its flow, ``own_ms`` the median of its own code.

    ``pareto`` is the exponent of a heavy tail in place of the log-normal one; with ``second_ms`` a share of the
    executions (``second_share``, a curve) takes about that long instead. ``failing`` is the share that fails.
    """

    name: str
    weight: float = 1.0
    own_ms: float = 10.0
    sigma: float = 0.35
    steps: tuple[Step, ...] = ()
    failing: float = 0.001
    pareto: float | None = None
    second_ms: float | None = None
    second_share: Curve = field(default_factory=lambda: Always(0.0))
    kind: ExecutionKind = "request"


@dataclass(frozen=True, slots=True)
class Flow:
    """Arrivals of requests: Poisson with ``rate`` (a second), or evenly spaced.

    ``batch`` is True for jobs, which a fault may be planted in.
    """

    rate: Curve
    operations: tuple[Operation, ...]
    even: bool = False
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """What is different while ``when`` is above 0, and in proportion to it: times of own code and of steps are
    multiplied, so that at 1 it is by these factors; ``failing`` is a share that fails more, ``skipping`` the share of
    executions that lack the steps concerned.

    ``operation``, ``step`` (the beginning of its name) and ``peer`` narrow it, ``hits`` is the share of executions that
    it befalls. ``own_more_ms`` comes on top of own code (exponential), an ``extra`` step ``repeats`` times.
    """

    when: Curve
    own: float = 1.0
    steps: float = 1.0
    operation: str | None = None
    step: str = ""
    peer: str | None = None
    hits: float = 1.0
    own_more_ms: float = 0.0
    failing: float = 0.0
    error: str = "TimeoutError"
    skipping: float = 0.0
    extra: Step | None = None
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Releases:
    """Versions: a new one ``every_s``, or ``side_by_side`` for ever (more than one).

    In the first ``cold_s`` after a release times are multiplied by ``cold``; each version takes up to ``other`` more
    or less than the last in each operation.
    """

    every_s: float = float("inf")
    side_by_side: int = 1
    cold_s: float = 0.0
    cold: float = 1.0
    other: float = 0.0
    prefix: str = "v"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How executions reach us. ``delay_s`` is what shipping takes in the mean.

    ``again`` is the share that is delivered a second time, up to a minute later; ``kept`` (a curve) the share that
    sampling keeps. Of the ``hosts`` the first ``wrong_hosts`` have clocks ``ahead_s`` ahead; ``behind`` is the share
    of executions dated by clients whose clocks are up to ``behind_s`` late.
    """

    delay_s: float = 0.5
    again: float = 0.0
    kept: Curve = field(default_factory=Always)
    hosts: int = 4
    wrong_hosts: int = 0
    ahead_s: float = 0.0
    behind: float = 0.0
    behind_s: float = 0.0
    renamed_hosts_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Life:
    """The life of one application for ``days`` from midnight of ``start`` in ``zone``, of which ``learning`` are not
    judged; faults are planted on the days after them.

    ``routeless`` is a rate of requests for paths that are all different (scanners). ``moments`` are those at which
    faults are planted.
    """

    flows: tuple[Flow, ...]
    happenings: tuple[Happening, ...] = ()
    releases: Releases = field(default_factory=Releases)
    delivery: Delivery = field(default_factory=Delivery)
    routeless: Curve | None = None
    start: str = "2026-02-02"
    zone: str = "UTC"
    days: int = 14
    learning: int = 5
    moments: tuple[Moment, ...] = ("busy", "night")


def letters(number: int) -> str:
    """A name for a number that nobody takes for an id.

    >>> letters(0), letters(27)
    ('a', 'ab')
    """
    return (letters(number // 26 - 1) if number >= 26 else "") + chr(ord("a") + number % 26)


class Draw:
    """Draws the parameters of a life from ranges: another seed, another life of the same kind."""

    def __init__(self, name: str, seed: int) -> None:
        self._random = np.random.default_rng([seed, crc32(name.encode())])

    def between(self, low: float, high: float) -> float:
        """Evenly from a range."""
        return float(self._random.uniform(low, high))

    def about(self, low: float, high: float) -> float:
        """Evenly by orders of magnitude."""
        return float(np.exp(self._random.uniform(np.log(low), np.log(high))))

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self._random.integers(low, high, endpoint=True))

    def one_of(self, choices: Sequence[str]) -> str:
        """One of several."""
        return choices[int(self._random.integers(len(choices)))]

    def zone(self) -> str:
        """Where people live."""
        return self.one_of(
            ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo", "Asia/Kolkata")
        )

    def seed(self) -> int:
        """A seed for what varies within the life."""
        return int(self._random.integers(2**31))

    def operations(self, count: int, zipf: float = 1.0, failing: float | None = None) -> tuple[Operation, ...]:
        """Ordinary operations: some own code and one to three calls each, used as Zipf says."""
        return tuple(
            Operation(
                name=f"{self.one_of(('GET', 'GET', 'GET', 'POST', 'PUT'))} /{self.one_of(_NOUNS)}/{letters(number)}",
                weight=(number + 1.0) ** -zipf,
                own_ms=self.about(4.0, 60.0),
                sigma=self.between(0.25, 0.5),
                failing=self.about(0.0003, 0.004) if failing is None else failing,
                steps=tuple(self._step(number, place) for place in range(self.whole(1, 3))),
            )
            for number in range(count)
        )

    def _step(self, operation: int, place: int) -> Step:
        if place == 0:
            return Step(f"SELECT {self.one_of(_NOUNS)} {letters(operation)}", self.about(3.0, 40.0), peer="main-db")
        if self.between(0.0, 1.0) < 0.5:
            chance = self.one_of(("1", "1", "0.8"))
            return Step(
                f"GET cache {letters(operation)}", self.about(0.5, 3.0), "cache", chance=float(chance), peer="cache"
            )
        peer = self.one_of(("stock", "prices", "mail", "search"))
        return Step(
            f"POST {peer}/{letters(operation)}",
            self.about(8.0, 80.0),
            "http",
            peer=peer,
            joined=peer in ("stock", "prices"),
        )


_NOUNS = ("cart", "orders", "items", "users", "reports", "invoices", "search", "quotes", "claims", "tickets")

Story = Callable[[Draw], Life]
"""Draws one life of a kind."""


class Lives(dict[str, Story]):
    """Kinds of ordinary life by name; ``told`` enters one, with what it is like in one sentence as its docstring."""

    def told(self, story: Story) -> Story:
        """Enter a story under its name."""
        self[story.__name__] = story
        return story

    def sentence(self, name: str) -> str:
        """What a life is like."""
        return (self[name].__doc__ or "").strip()
