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
