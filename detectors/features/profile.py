"""Where the time of an operation usually goes: average milliseconds and counts per kind of segment."""

from tracehound.detectors.bank import Flags, Slots
from tracehound.detectors.columns.segment_columns import LONGEST_MS
from tracehound.detectors.features.exclusive import exclusive_ms
from tracehound.schemas.execution import Execution, Segment

OWN_CODE = "its own code"
TIME_COLUMN, COUNT_COLUMN = 0, 1
MAX_PARTS = 64
"""Different parts remembered per operation; more are not told apart."""
_OTHER = "other segments"
_MEMORY = 100


def part_name(segment: Segment) -> str:
    """What a developer would call a segment's share of the time: the called service, or the segment's name."""
    return f"calls to {segment.peer}" if segment.peer else segment.name


def parts(execution: Execution, self_ms: float) -> dict[str, tuple[float, float]]:
    """Exclusive milliseconds and count per part of an execution."""
    found: dict[str, tuple[float, float]] = {OWN_CODE: (self_ms, 0.0)}
    for segment, own_ms in zip(execution.segments, exclusive_ms(execution.segments), strict=True):
        name = part_name(segment)
        spent, count = found.get(name, (0.0, 0.0))
        found[name] = (spent + min(own_ms, LONGEST_MS), count + segment.count)
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

    def learn(self, found: dict[str, tuple[float, float]]) -> None:
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

    def excess(self, found: dict[str, tuple[float, float]], column: int) -> dict[str, float]:
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
