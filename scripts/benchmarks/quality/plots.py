"""The plots of the report: precision over recall, and one injected window with scores and alarms."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tracehound.schemas.execution import epoch_seconds
from tracehound.scripts.benchmarks.quality.baselines import baselines_of
from tracehound.scripts.benchmarks.quality.figures import Detection, Truth, average_precision_of, judged
from tracehound.scripts.benchmarks.quality.run import Judged
from tracehound.scripts.recorded.evaluation import AFTER_S, EFFECT_S, WindowOutcome, precision_recall, report_windows

PRODUCT = "tracehound"
POINTS = 200
"""Points of a curve: more make the file larger, not the picture clearer."""
BEFORE_S = 300.0


def draw_precision_recall(judged_set: Judged, path: Path) -> None:
    """One curve for the product and each baseline, and the base rate, by the recording's own labels."""
    truth = judged_set.truth
    figure, axes = _figure(f"{truth.data.name}: precision over recall")
    scored = {baseline.name for baseline in baselines_of(truth.data.name) if baseline.limit is None}
    for name, detection in judged_set.baselines.items():
        if name in scored:  # a fixed limit on the same scores has the same curve
            _curve(axes, name, detection, truth)
    _curve(axes, PRODUCT, judged_set.detection, truth)
    labels = truth.data.labels
    rate = float(np.mean(labels[judged(labels, truth)]))
    axes.axhline(rate, color="grey", linestyle=":", label=f"base rate {rate:.3f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    _save(figure, path)


def _curve(axes: Axes, name: str, detection: Detection, truth: Truth) -> None:
    labels = truth.data.labels
    counted = judged(labels, truth)
    precision, recall = precision_recall(labels[counted] == 1, detection.score[counted])
    shown = np.unique(np.searchsorted(recall, np.linspace(recall[0], 1.0, POINTS)).clip(max=len(recall) - 1))
    ap = average_precision_of(labels, detection.score, truth)
    line = {"color": "black", "linewidth": 2.2} if name == PRODUCT else {"linewidth": 1.2}
    axes.plot(recall[shown], precision[shown], label=f"{name}: {ap:.3f}", **line)


def draw_timeline(judged_set: Judged, path: Path) -> WindowOutcome | None:
    """Scores of all traces around one injected window; returns the window drawn, None where none is detected.

    It is the visible window whose delay is the median of the detected ones.
    """
    outcome = _typical_window(judged_set)
    if outcome is None:
        return None
    window, kept = outcome.window, judged_set.product.kept
    since, score = np.array(kept.started_s) - window.inject_s, np.array(kept.score)
    shown = (since >= -BEFORE_S) & (since < AFTER_S)
    of_window = shown & (judged_set.truth.all_windows == 1)
    alarm = shown & np.array(kept.alarm)
    figure, axes = _figure(f"{judged_set.truth.data.name}: {window.type} at {window.service}")
    axes.axvspan(0, EFFECT_S, color="orange", alpha=0.15, label="injected window")
    for chosen, color, name in ((shown & ~of_window, "grey", "other traces"), (of_window, "C0", "of the service")):
        axes.scatter(since[chosen], score[chosen], s=8, color=color, label=name, linewidths=0)
    axes.scatter(since[alarm], score[alarm], s=30, facecolors="none", edgecolors="red", label="alarm")
    published = [epoch_seconds(found.time) - window.inject_s for found in kept.anomalies]
    for number, at_s in enumerate(at_s for at_s in published if -BEFORE_S <= at_s < AFTER_S):
        axes.axvline(at_s, color="red", linewidth=0.6, label=None if number else "anomaly published")
    axes.set(xlabel="seconds since injection", ylabel="score (−log10 of the false-alarm probability)")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    _save(figure, path)
    return outcome


def _typical_window(judged_set: Judged) -> WindowOutcome | None:
    alarms_at_s = judged_set.product.kept.window_alarms_s()
    report = report_windows(judged_set.truth.data.windows, [], alarms_at_s)
    detected = [outcome for outcome in report.outcomes if outcome.detected and outcome.window.visible]
    by_delay = sorted(detected, key=lambda outcome: outcome.trace_delay_s or 0.0)
    return by_delay[len(by_delay) // 2] if by_delay else None


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    """The same picture gives the same file, whenever it is drawn."""
    with mpl.rc_context({"svg.hashsalt": "tracehound", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=90)
