"""An execution as the console tells it, as a waterfall of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tracehound.scripts.commands.terminal_text import printable

_LANE: Final = 40
_NAME: Final = 44

Bars = Sequence[Mapping[str, Any]]


def waterfall_text(execution: Mapping[str, Any], scale_ms: float, rows: int) -> Iterator[str]:
    """A line for the execution and for each of its longest segments and those that enclose them.

    Parameters:
        execution: a waterfall of the console's API.
        scale_ms: what the whole width stands for, in ms.
        rows: so many segments at most, besides those that enclose them.

    >>> bar = {"name": "GET /stock", "depth": 1, "parent": None, "offset_ms": 50.0, "duration_ms": 50.0, "count": 1,
    ...        "status": "ok", "usual_ms": 5.0, "call_gap_ms": 40.0}
    >>> for line in waterfall_text({"duration_ms": 100.0, "bars": [bar], "left_out": 0}, 100.0, 5):
    ...     print(" ".join(line.split()))
    all of it |########################################| 100 ms
    GET /stock | ####################| 50 ms, usually 5 ms, of which 40 ms call gap
    """
    yield _line("all of it", 0.0, execution["duration_ms"], scale_ms, _ms(execution["duration_ms"]))
    bars: Bars = execution["bars"]
    shown = _longest(bars, rows)
    for index in shown:
        bar = bars[index]
        name = "  " * min(bar["depth"], 8) + printable(bar["name"])
        if bar["count"] > 1:
            name += f" ({bar['count']} times)"
        yield _line(name, bar["offset_ms"], bar["duration_ms"], scale_ms, _said(bar))
    left_out = execution["left_out"] + len(bars) - len(shown)
    if left_out:
        yield f"{left_out} shorter segments are not shown."


def _longest(bars: Bars, rows: int) -> list[int]:
    chosen: set[int] = set()
    for index in sorted(range(len(bars)), key=lambda one: -bars[one]["duration_ms"])[:rows]:
        above: int | None = index
        while above is not None and 0 <= above < len(bars) and above not in chosen:
            chosen.add(above)
            above = bars[above]["parent"]
    return sorted(chosen)


def _said(bar: Mapping[str, Any]) -> str:
    said = _ms(bar["duration_ms"])
    if bar["usual_ms"] is not None:
        said += f", usually {_ms(bar['usual_ms'])}"
    if bar["call_gap_ms"] is not None:
        said += f", of which {_ms(bar['call_gap_ms'])} call gap"
    return said + (", failed" if bar["status"] == "error" else "")


def _line(name: str, offset_ms: float | None, duration_ms: float, scale_ms: float, said: str) -> str:
    lane = ""
    if offset_ms is not None:  # without it the segment has no place in time
        begin = _place(offset_ms, scale_ms)
        lane = " " * min(begin, _LANE - 1) + "#" * max(1, _place(offset_ms + duration_ms, scale_ms) - begin)
    cut = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    return f"{cut:{_NAME}} |{lane[:_LANE]:{_LANE}}| {said}"


def _place(at_ms: float, scale_ms: float) -> int:
    return round(_LANE * min(max(at_ms / scale_ms, 0.0), 1.0)) if scale_ms > 0 else 0


def _ms(duration_ms: float) -> str:
    return f"{duration_ms:,.4g} ms" if abs(duration_ms) < 10_000 else f"{duration_ms / 1000:,.1f} s"
