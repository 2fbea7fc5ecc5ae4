"""Where the time of an operation usually goes: average milliseconds and counts per kind of segment."""

import math
from collections.abc import Iterable

from tracehound.detectors.bank import Flags, Slots
from tracehound.detectors.columns.segment_columns import LONGEST_MS, SegmentColumns
from tracehound.detectors.columns.segment_names import NOBODY, part_called
from tracehound.detectors.features.exclusive import exclusive_ms, exclusive_of
from tracehound.schemas.execution import Execution, Segment

OWN_CODE = "its own code"
TIME_COLUMN, COUNT_COLUMN = 0, 1
MAX_PARTS = 64
"""Different parts remembered per operation; more are not told apart."""
_OTHER = "other segments"
_MEMORY = 100


Parts = dict[str, tuple[float, float]]
"""Exclusive milliseconds and count per part of an execution."""


def part_name(segment: Segment) -> str:
    """What a developer would call a segment's share of the time: the called service, or the segment's name."""
    return part_called(segment.name, segment.peer)


def parts(execution: Execution, self_ms: float) -> Parts:
    """Exclusive milliseconds and count per part of an execution."""
    segments = execution.segments
    own = exclusive_ms(segments)
    return _by_part(map(part_name, segments), own, [float(segment.count) for segment in segments], self_ms)


def parts_in(columns: SegmentColumns, row: int, self_ms: float) -> Parts | None:
    """``parts`` of the execution at ``row`` of columns; None where one of its times is too long to be in columns.

    >>> from tracehound.detectors.columns.segment_columns import columns_of
    >>> one = Execution("shop", "GET /", 0.0, 9.0, segments=[Segment("SELECT", 2.0), Segment("SELECT", 3.0)])
    >>> parts_in(columns_of([one]), 0, 4.0) == parts(one, 4.0)
    True
    """
    own = slice(*columns.starts[row : row + 2].tolist())
    durations_ms, parents = columns.duration_ms[own].tolist(), columns.parent[own].tolist()
    if max(durations_ms, default=0.0) >= LONGEST_MS:
        return None
    numbers, names = columns.name[own].tolist(), columns.names
    exclusive = durations_ms
    if max(parents, default=-1) >= 0:
        offsets_ms = columns.offset_ms[own].tolist()
        if any(abs(offset) >= LONGEST_MS for offset in offsets_ms):
            return None
        exclusive = exclusive_of(
            durations_ms,
            [None if math.isnan(offset) else offset for offset in offsets_ms],
            [None if parent < 0 else parent for parent in parents],
            (names.waited_peer[numbers] != NOBODY).tolist(),
        )
    counts = [1.0] * len(numbers) if columns.count is None else columns.count[own].tolist()
    return _by_part([names.parts[number] for number in numbers], exclusive, counts, self_ms)


def _by_part(names: Iterable[str], own_ms: Iterable[float], counts: Iterable[float], self_ms: float) -> Parts:
    found: Parts = {OWN_CODE: (self_ms, 0.0)}
    for name, its_ms, its_count in zip(names, own_ms, counts, strict=True):
        spent, count = found.get(name, (0.0, 0.0))
        found[name] = (spent + min(its_ms, LONGEST_MS), count + its_count)
    return found


class Profile:
    """Averages over about the last hundred sampled executions of one operation.

    >>> profile = Profile()
    >>> profile.learn({"SELECT": (10.0, 1.0)}); profile.learn({"SELECT": (20.0, 1.0)})
    >>> profile.excess({"SELECT": (115.0, 1.0)}, column=TIME_COLUMN)
    {'SELECT': 1.0}
    """

    __slots__ = ("averages", "learned")

    def __init__(self) -> None:
        self.learned = 0
        self.averages: dict[str, list[float]] = {}

    @staticmethod
    def wants(numbers: Slots) -> Flags:
        """Which of an operation's executions to learn, by their ``numbers`` (n,): the first 32, then every 16th."""
        wanted: Flags = (numbers <= 32) | (numbers % 16 == 0)
        return wanted

    def learn(self, found: Parts) -> None:
        """Move the averages towards the parts of one execution."""
        self.learned += 1
        weight = 1.0 / min(self.learned, _MEMORY)
        for name in found:
            if name not in self.averages and len(self.averages) < MAX_PARTS:
                self.averages[name] = [0.0, 0.0]
        for name, average in self.averages.items():
            spent, count = found.get(name, (0.0, 0.0))
            average[0] += weight * (spent - average[0])
            average[1] += weight * (count - average[1])

    def excess(self, found: Parts, column: int) -> dict[str, float]:
        """Each part's share of what is more than usual, largest first, by ``TIME_COLUMN`` or ``COUNT_COLUMN``.

        Shares sum to 1; without any excess the largest part has all of it.
        """
        over: dict[str, float] = {}
        for name, values in found.items():
            usual = self.averages.get(name, (0.0, 0.0))[column]
            label = name if name in self.averages or len(self.averages) < MAX_PARTS else _OTHER
            over[label] = over.get(label, 0.0) + max(0.0, values[column] - usual)
        total = sum(over.values())
        if total <= 0.0:
            return {max(found, key=lambda name: found[name][column]): 1.0}
        ranked = sorted(over.items(), key=lambda item: (-item[1], item[0]))[:8]
        kept = sum(value for _, value in ranked)
        return {name: value / kept for name, value in ranked if value > 0.0}
