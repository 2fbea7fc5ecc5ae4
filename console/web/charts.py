"""Small charts as paths of SVG."""

from collections.abc import Sequence


def sparkline(values: Sequence[float | None], width: int, height: int) -> str:
    """The path of a line through values at equal distances, from 0 at the bottom to the largest at the top.

    Where there is none, there is no line; one between two such is a dot.

    >>> sparkline([0, 5, 10], 100, 20), sparkline([None, 4, None, 4, 8], 80, 20)
    ('M0,20L50,10.5L100,1', 'M20,10.5h0M60,10.5L80,1')
    """
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    step = width / max(len(values) - 1, 1)
    parts = list[str]()
    for number, value in enumerate(values):
        if value is None:
            continue
        at = f"{number * step:.4g},{height - max(value, 0.0) / top * (height - 1):.3g}"
        begins = number == 0 or values[number - 1] is None
        alone = begins and (number + 1 == len(values) or values[number + 1] is None)
        parts.append(f"{'M' if begins else 'L'}{at}{'h0' if alone else ''}")
    return "".join(parts)


def spread(heights: list[float], begin: float, end: float, amount: float) -> None:
    """Add an amount that lies evenly between two places to the heights of bars, each of which is 1 wide.

    >>> heights = [0.0, 0.0, 0.0]
    >>> spread(heights, 0.5, 2.5, 4.0)
    >>> heights
    [1.0, 2.0, 1.0]
    """
    for place in range(max(0, int(begin)), min(len(heights), int(end) + 1)):
        heights[place] += amount * max(0.0, min(end, place + 1) - max(begin, place)) / (end - begin)


def bars(heights: Sequence[float], width: int, height: int) -> str:
    """The outline of bars of equal widths, the highest as high as there is room, and none that is there unseen.

    >>> bars([1.0, 0.0, 4.0], 30, 8)
    'M0,8V6H9V8ZM20,8V0H29V8Z'
    """
    top, step = max(heights, default=0.0), width / max(len(heights), 1)
    outlines = []
    for number, amount in enumerate(heights):
        if amount > 0:
            tall = max(1.0, amount / top * height)
            outlines.append(f"M{number * step:g},{height}V{height - tall:.3g}H{(number + 1) * step - 1:g}V{height}Z")
    return "".join(outlines)
