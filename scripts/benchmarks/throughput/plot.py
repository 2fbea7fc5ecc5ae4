"""The bars of the throughput report: executions per second of each contender, medians with ranges."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

_OURS, _PARTS, _OTHERS = "#1f6f8b", "#9fc5d1", "#b0b0b0"


def draw(contenders: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    """Draw the figures ``executions_per_second`` on a logarithmic scale, the first contender on top."""
    rates = {name: figures["executions_per_second"] for name, figures in reversed(list(contenders.items()))}
    names = list(rates)
    medians = [rate["median"] for rate in rates.values()]
    spread = [
        [rate["median"] - rate["min"] for rate in rates.values()],
        [rate["max"] - rate["median"] for rate in rates.values()],
    ]
    figure = Figure(figsize=(8, max(3.0, 0.4 * len(names) + 1)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, medians, xerr=spread, color=[_colour(name) for name in names], log=True)
    for number, median in enumerate(medians):
        axes.text(median * 1.1, number + 0.05, f"{median:,.0f}", va="bottom", fontsize=8)
    axes.set_xlabel("executions per second of one core")
    if medians:
        axes.set_xlim(min(medians) / 3, max(medians) * 4)  # room for the figures beside the bars
    axes.spines[["top", "right"]].set_visible(False)
    with mpl.rc_context({"svg.hashsalt": "tracehound", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def _colour(name: str) -> str:
    if name.startswith("tracehound"):
        return _OURS
    return _PARTS if name.startswith(("detection_off", "bare_")) else _OTHERS
