"""A series as pages show it: lines over time, and a band where the first of them usually lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tracehound.console.web.times import moment
from tracehound.console.web.typical import Range

US = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of event time in steps of equal length, both in seconds; ``until_s`` is its excluded end."""

    until_s: int
    step_s: int
    steps: int

    @property
    def since_s(self) -> int:
        """Its begin."""
        return self.until_s - self.step_s * self.steps

    @property
    def bounds_us(self) -> tuple[int, int]:
        """Begin and end in microseconds."""
        return self.since_s * US, self.until_s * US

    def longer(self, seconds: int) -> "Span":
        """The same, begun so much earlier."""
        return Span(self.until_s, self.step_s, self.steps + seconds // self.step_s)

    def place(self, start_us: int) -> int:
        """In which step a moment lies, in microseconds; it may be outside."""
        return (start_us // US - self.since_s) // self.step_s

    def starts(self) -> list[str]:
        """When each step begins, in RFC 3339."""
        return [moment((self.since_s + self.step_s * number) * US) for number in range(self.steps)]


@dataclass(frozen=True, slots=True)
class Line:
    """Values of each step; None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """Lines of one signal.

    Parameters:
        identity: tells it from others of its page.
        title: what people read.
        unit: ``ms``, ``share``, or what is counted.
        span: when.
        lines: the first is what is looked at.
        band: where the first usually lies, for each step; empty where that is not known at all.
        marked: moments that stand out (RFC 3339), such as the time of an anomaly.
    """

    identity: str
    title: str
    unit: str
    span: Span
    lines: Sequence[Line]
    band: Sequence[Range | None] = ()
    marked: Sequence[str] = field(default=())

    @property
    def has_band(self) -> bool:
        """Whether it is known where it usually lies."""
        return any(one is not None for one in self.band)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return all(value is None for line in self.lines for value in line.values)

    def rows(self) -> list[tuple[str, list[float | None], Range | None]]:
        """Of each step its begin, its values, and its range."""
        band = self.band if self.has_band else [None] * self.span.steps
        values = zip(*(line.values for line in self.lines), strict=True)
        found = zip(self.span.starts(), values, band, strict=True)
        return [(start, list(of_step), usual) for start, of_step, usual in found]
