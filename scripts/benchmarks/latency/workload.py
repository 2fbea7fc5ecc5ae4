"""What the latency benchmark sends and when: normal executions at a constant rate, and planted ones between them."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.scripts.benchmarks.workload import executions

SEGMENTS: Final = 5
PLANTED_MS: Final = 10_000_000.0
"""The duration of a planted execution: nobody can mistake three hours for the usual tens of milliseconds."""
LEARNED_LEAST: Final = 110
"""Executions of an operation before one is planted: below a hundred, its judgement also asks its neighbours, which
hold planted ones, too."""

Operation = tuple[str, str]
"""Application and operation."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over what the executions are spread."""

    applications: int
    operations: int

    def executions(self, count: int, end_s: float) -> Iterator[Execution]:
        """As of the throughput benchmark; the last one at ``end_s``."""
        return executions(count, self.applications, self.operations, SEGMENTS, end_s)


@dataclass(frozen=True, slots=True)
class Load:
    """One round at a constant rate.

    ``rate`` is in normal executions per second. In the first ``settle_s`` nothing is planted; then one of
    ``targets`` every ``plant_every_s``, at a random moment of that time. ``name`` begins their trace ids.
    """

    name: str
    spread: Spread
    rate: float
    settle_s: float
    plant_every_s: float
    targets: tuple[Operation, ...]

    @property
    def seconds(self) -> float:
        """How long it takes: until the last one is planted."""
        return self.settle_s + len(self.targets) * self.plant_every_s


class Timed(NamedTuple):
    """A record to send ``at_s`` seconds after the start; ``planted`` is the trace id of a planted one, else empty."""

    at_s: float
    key: bytes
    value: bytes
    planted: str


def targets_of(made: Iterable[Execution]) -> list[Operation]:
    """The operations that have enough of these executions for one to be planted, in random order."""
    counts = Counter((execution.application, execution.operation) for execution in made)
    found = sorted(operation for operation, count in counts.items() if count >= LEARNED_LEAST)
    random.Random(11).shuffle(found)
    return found


def timed_records(load: Load, begun_s: float) -> list[Timed]:
    """All records of a round in the order of their times; event times begin at ``begun_s`` (epoch seconds)."""
    planted = list(_planted(load, begun_s))
    made = load.spread.executions(int(load.rate * load.seconds), begun_s)
    normal = [_record(one, begun_s, number / load.rate, "") for number, one in enumerate(made)]
    return sorted(normal + planted, key=lambda record: record.at_s)


def _planted(load: Load, begun_s: float) -> Iterator[Timed]:
    draw = random.Random(load.name)
    pattern = next(load.spread.executions(1, begun_s))
    for number, (application, operation) in enumerate(load.targets):
        at_s = load.settle_s + (number + draw.random()) * load.plant_every_s
        trace_id = f"{load.name}-{number}"
        one = msgspec.structs.replace(
            pattern,
            application=application,
            operation=operation,
            duration_ms=PLANTED_MS,
            trace_id=trace_id,
            status="ok",
        )
        yield _record(one, begun_s, at_s, trace_id)


def _record(execution: Execution, begun_s: float, at_s: float, planted: str) -> Timed:
    execution.started_at = round(begun_s + at_s, 6)
    return Timed(at_s, execution.application.encode(), encode(execution), planted)


def share_out(targets: Sequence[Operation], rounds: int, most: int) -> list[tuple[Operation, ...]]:
    """Different targets for each round, as many as there are, and at most ``most``.

    Raises:
        ValueError: there are fewer targets than rounds.

    >>> share_out([("a", "x"), ("a", "y"), ("a", "z")], 1, 2)
    [(('a', 'x'), ('a', 'y'))]
    """
    each = min(most, len(targets) // rounds)
    if not each:
        raise ValueError(f"Each of {rounds} rounds needs an operation to plant in. Got {len(targets)} instead.")
    return [tuple(targets[begin : begin + each]) for begin in range(0, each * rounds, each)]
