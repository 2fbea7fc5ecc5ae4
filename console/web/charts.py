"""Small charts as paths of SVG."""

from collections.abc import Sequence


def sparkline(values: Sequence[float], width: int, height: int) -> str:
    """The path of a line through values at equal distances, from 0 at the bottom to the largest at the top.

    >>> sparkline([0, 5, 10], 100, 20)
    'M0,20 L50,10.5 L100,1'
    """
    if not values:
        return ""
    top = max(*values, 0.0) or 1.0
    step = width / max(len(values) - 1, 1)
    heights = [height - max(value, 0.0) / top * (height - 1) for value in values]
    points = [f"{number * step:g},{at:g}" for number, at in enumerate(heights)]
    return "M" + " L".join(points)


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
