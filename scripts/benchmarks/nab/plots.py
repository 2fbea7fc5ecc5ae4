"""The plots of the report: scores next to published ones, and two series with labels and alarms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.report import PUBLISHED, TARGETS
from tracehound.scripts.benchmarks.nab.scorer import PROBATION, Worth
from tracehound.scripts.benchmarks.nab.workload import LabelledSeries

SHOWN = ("realKnownCause/nyc_taxi.csv", "realAWSCloudwatch/elb_request_count_8c0756.csv")


def draw_comparison(document: dict[str, Any], path: Path) -> None:
    """Bars of the standard score."""
    bars = [(name, standard, "0.7") for name, standard, *_ in PUBLISHED]
    bars += [(f"tracehound,\n{key.replace('_', ' ')}", document[key]["standard"], "tab:orange") for key in TARGETS]
    bars.sort(key=lambda bar: bar[1])
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.barh([bar[0] for bar in bars], [bar[1] for bar in bars], color=[bar[2] for bar in bars])
    axes.set_xlabel("NAB score, standard profile (published detectors were tuned on the whole corpus)")
    _save(figure, path)


def draw_series(
    corpus: Sequence[LabelledSeries], told: Sequence[Floats], worths: Sequence[Worth], threshold: float, path: Path
) -> None:
    """Two series with their labelled windows and what was told of them."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    chosen = [index for index, series in enumerate(corpus) if series.name in SHOWN]
    for axes, index in zip(figure.subplots(len(chosen), squeeze=False)[:, 0], chosen, strict=True):
        series = corpus[index]
        days = (series.times - series.times[0]) / 86_400.0
        axes.plot(days, series.values, linewidth=0.5, color="0.4")
        for first, last in series.windows:
            axes.axvspan(days[first], days[last], color="tab:blue", alpha=0.25)
        rows = np.flatnonzero((told[index] >= threshold) & (worths[index].window != PROBATION))
        axes.plot(days[rows], series.values[rows], "v", color="tab:red")
        axes.set_title(f"{series.name}: labelled windows (blue) and alarms (red)", fontsize=9)
        axes.set_xlabel("days")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "tracehound", "svg.fonttype": "none"}):
        figure.savefig(path, dpi=90, metadata={"Software": None})
