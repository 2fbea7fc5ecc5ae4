"""The report of `make bench-joined` in Markdown."""

from collections.abc import Mapping
from typing import Any

from tracehound.scripts.benchmarks.quality.report import table

_DIFFERENCES = ("missing", "surplus", "repeated", "different")


def report(figures: Mapping[str, Any]) -> str:
    """All runs of all recordings: what differs from the offline conversion, and the average precision."""
    head = (
        "# Recorded traces through Kafka and two intake workers\n\n"
        '`make bench-joined` (`SPEED="20 max max" ONLY=online_boutique_22`) sends recorded traces as OpenTelemetry, '
        "batched by service "
        "and in no order, through a real Apache Kafka and two intake workers with their default settings, and compares "
        "the executions that come out with what the offline conversion makes of the same traces: every field but the "
        "id of a parent that was not recorded. *Missing* and *surplus* are executions, *repeated* came more than once, "
        "*different* in any field.\n\n"
        "The executions of an application come out in nearly, not exactly, the order of their start: partitions of "
        "the spans topic are joined side by side. Average precision is that of scoring in the order in which they came "
        "out. The faster a recording is sent, the more event time lies between two partitions: at 60 times its speed "
        "a second of the clock is a minute of event time. Live traffic has speed 1.\n"
    )
    return "\n".join([head, *(_section(name, one) for name, one in figures.items())])


def _section(name: str, figures: Mapping[str, Any]) -> str:
    offline, runs = figures["offline"], figures["runs"]
    rows = [("offline", "", "", f"{figures['executions']:,}", "", "", "", "", *_precision(offline))]
    rows += [
        (
            run["encoding"],
            run["speed"],
            f"{run['seconds']:.0f} s",
            f"{run['executions']:,}",
            *(f"{run[difference]:,}" for difference in _DIFFERENCES),
            *_precision(run["precision"]),
        )
        for run in runs
    ]
    columns = ("sent as", "speed", "took", "executions", *_DIFFERENCES, "AP visible", "AP all")
    worst = [max(abs(run["precision"][kind] - offline[kind]) for run in runs) for kind in ("visible", "all")]
    return (
        f"## {name}\n\n{figures['spans']:,} spans, measured on {figures['date']}, commit `{figures['commit']}`.\n\n"
        f"{table(columns, rows)}\n\n"
        "Largest difference of average precision to offline: "
        f"{worst[0]:.3f} on visible, {worst[1]:.3f} on all windows.\n"
    )


def _precision(precision: Mapping[str, float]) -> tuple[str, str]:
    return f"{precision['visible']:.3f}", f"{precision['all']:.3f}"
