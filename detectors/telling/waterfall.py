"""An execution as a few lines of text: what ran when within it, and for how long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracehound.detectors.telling.amounts import duration
from tracehound.schemas.execution import Execution, Segment

LINES = 16
"""The most lines of a waterfall, the execution itself and what was left out included."""
_NAME, _BAR = 44, 24
WIDTH = _NAME + _BAR + 24
"""The most characters of a line."""
_DEEPEST = 8
_LOOKED_AT = 5_000
_LONGEST_MS = 1e15


def waterfall(execution: Execution) -> list[str]:
    r"""At most ``LINES`` lines of at most ``WIDTH`` characters: the execution, and its longest segments within it.

    Equal neighbours are one line. Names are somebody else's: whatever is not plainly visible is escaped.

    >>> from tracehound.schemas.execution import Segment
    >>> stock = Segment("GET /stock", 60.0, "http", offset_ms=20.0, peer="stock", status="error")
    >>> items = [Segment("SELECT item", 5.0, "db", offset_ms=80.0 + 5 * i) for i in range(3)]
    >>> print("\n".join(waterfall(Execution("shop", "GET /cart", 0.0, 100.0, segments=[stock, *items]))))
    GET /cart                                    |########################| 100 ms
      http GET /stock (stock)                    |    ##############      | 60 ms, failed
      db SELECT item                             |                   #### | 15 ms in 3
    """
    rows = _folded(execution.segments[:_LOOKED_AT])
    shown = _longest(rows, LINES - 1)
    if len(shown) < len(rows):
        shown = _longest(rows, LINES - 2)
    left_out = sum(segment.count for segment in execution.segments) - sum(row.count for row in shown)
    took_ms = min(execution.duration_ms, _LONGEST_MS)
    whole_ms = max([took_ms, *(row.end_ms for row in shown)])
    lines = [_line(execution.operation, 0.0, took_ms, whole_ms, _outcome(execution.failed, 1))]
    for row in shown:
        name = "  " * min(row.depth, _DEEPEST) + row.name
        lines.append(_line(name, row.start_ms, row.duration_ms, whole_ms, _outcome(row.failed, row.count)))
    if left_out:
        lines.append(f"  and {left_out} more {'segment' if left_out == 1 else 'segments'}, shorter ones")
    return lines


@dataclass(slots=True)
class _Row:
    """One line: a segment, or several equal ones; ``parent`` is the row that encloses it."""

    name: str
    parent: "_Row | None"
    depth: int
    start_ms: float | None
    end_ms: float = 0.0
    duration_ms: float = 0.0
    count: int = 0
    failed: bool = False

    def add(self, segment: Segment) -> None:
        """One more segment on this line."""
        took_ms = min(segment.duration_ms, _LONGEST_MS)
        self.duration_ms += took_ms
        self.count += segment.count
        self.failed = self.failed or segment.status == "error"
        if segment.offset_ms is not None:
            self.end_ms = max(self.end_ms, min(segment.offset_ms, _LONGEST_MS) + took_ms)


def _folded(segments: Sequence[Segment]) -> list[_Row]:
    """A row for each segment that differs from the one before it among the same parent's."""
    rows: list[_Row] = []
    of: list[_Row] = []
    newest: dict[int | None, _Row] = {}
    for segment in segments:
        parent = None if segment.parent is None or segment.parent >= len(of) else of[segment.parent]
        name = _name(segment)
        place = None if parent is None else id(parent)
        row = newest.get(place)
        if row is None or row.name != name:
            depth = 1 if parent is None else parent.depth + 1
            row = newest[place] = _Row(name, parent, depth, segment.offset_ms)
            rows.append(row)
        row.add(segment)
        of.append(row)
    return rows


def _longest(rows: list[_Row], most: int) -> list[_Row]:
    """The longest rows, as they came, each with those that enclose it."""
    kept: dict[int, _Row] = {}
    for row in sorted(rows, key=lambda one: -one.duration_ms):
        family = [one for one in _upwards(row) if id(one) not in kept]
        if len(kept) + len(family) <= most:
            kept.update((id(one), one) for one in family)
    return [row for row in rows if id(row) in kept]


def _upwards(row: _Row) -> Iterator[_Row]:
    above: _Row | None = row
    while above is not None:
        yield above
        above = above.parent


def _name(segment: Segment) -> str:
    kind = "" if segment.kind == "code" else f"{segment.kind} "
    return f"{kind}{segment.name}" + (f" ({segment.peer})" if segment.peer else "")


def _outcome(failed: bool, count: int) -> str:
    return (f" in {count}" if count > 1 else "") + (", failed" if failed else "")


def _line(name: str, start_ms: float | None, took_ms: float, whole_ms: float, outcome: str) -> str:
    visible = shown(name, _NAME)
    return f"{visible:<{_NAME}} |{_bar(start_ms, took_ms, whole_ms)}| {duration(took_ms)}{outcome}"[:WIDTH]


def _bar(start_ms: float | None, took_ms: float, whole_ms: float) -> str:
    if start_ms is None:  # it has no place in time
        return " " * _BAR
    if whole_ms <= 0.0:
        return "#" * _BAR
    first = int(_BAR * min(max(0.0, start_ms), whole_ms * (1.0 - 1.0 / _BAR)) / whole_ms)
    length = min(_BAR - first, max(1, round(_BAR * min(took_ms, whole_ms) / whole_ms)))
    return " " * first + "#" * length + " " * (_BAR - first - length)


def shown(text: str, most: int) -> str:
    r"""At most ``most`` characters of a text from outside, with what is not plainly visible escaped.

    >>> shown("a\x1b[31m\nb", 80), shown("abcdef", 4)
    ('a\\x1b[31m\\nb', 'abc…')
    """
    cut = text[: most + 1]
    visible = cut if cut.isprintable() else repr(cut)[1:-1]
    return visible if len(visible) <= most else visible[: most - 1] + "…"
