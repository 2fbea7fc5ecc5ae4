"""How cost grows with the number of operations and segments, as figures (JSON), for people (Markdown) and plotted."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from tracehound.detectors.charts.kernel import PRIOR_WEIGHT
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.scale.point import CHUNK, Point
from tracehound.scripts.benchmarks.scale.workers import Crewed
from tracehound.scripts.documents.stored import store

_TITLES: Final = (
    "operations",
    "segments",
    "learned, each",
    "executions per CPU second",
    "µs each",
    "refits, µs each",
    "process, MB",
    "state per operation, bytes",
    "snapshot per application, kB",
    "restore all, CPU s",
)
_CREW_TITLES: Final = ("workers", "executions/s", "executions per CPU second", "memory, MB", "least busy")


@dataclass(frozen=True, slots=True)
class Restarted:
    """Seconds from a worker's start, on a broker, until it scored again, and until it had caught up."""

    applications: int
    first_s: float
    all_s: float


@dataclass(frozen=True, slots=True)
class Findings:
    """``points`` were measured in process, ``crews`` and ``restart`` (None: left out) with workers on a broker.

    ``cache_mb`` is the size of the processor's last cache, 0 where it is not known.
    """

    machine: Machine
    cache_mb: float
    points: Sequence[Point]
    crews: Sequence[Crewed]
    restart: Restarted | None

    def of_segments(self, segments: int) -> list[Point]:
        """Points by their number of operations."""
        return sorted((one for one in self.points if one.segments == segments), key=lambda one: one.operations)

    def of_operations(self, operations: int) -> list[Point]:
        """Points by their number of segments."""
        return sorted((one for one in self.points if one.operations == operations), key=lambda one: one.segments)

    @property
    def segments(self) -> list[int]:
        """The numbers of segments that were measured."""
        return sorted({one.segments for one in self.points})


def last_cache_mb(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> float:
    """Size of the processor's last cache, 0 where the system does not say."""
    known = [path.read_text().strip() for path in folder.glob("index*/size")]
    return max((int(size.removesuffix("K")) / 1024 for size in known if size.endswith("K")), default=0.0)


def write(findings: Findings, folder: Path) -> None:
    """Write ``scale.json``, ``scale.md`` and ``scale.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "machine": asdict(findings.machine) | {"cache_mb": findings.cache_mb},
        "points": [
            asdict(one) | {"executions_per_cpu_second": one.executions_per_cpu_second} for one in findings.points
        ],
        "workers": [asdict(one) for one in findings.crews],
        "restart": None if findings.restart is None else asdict(findings.restart),
    }
    store(folder / "scale.json", figures)
    (folder / "scale.md").write_text(_page(findings), encoding="utf-8")
    draw(findings, folder / "scale.svg")


def growth(findings: Findings) -> str:
    """How cost grows, in figures, as far as there are points to compare."""
    told = (_by_operations(findings), _by_age(findings), _by_segments(findings), _memory(findings))
    return " ".join(filter(None, told))


def _by_operations(findings: Findings) -> str:
    grown = [[one for one in findings.of_segments(segments) if _is_grown(one)] for segments in findings.segments]
    found = max(grown, key=_reach, default=[])
    if len(found) < 2:
        return ""
    first, last = found[0], found[-1]
    before, after = max(pairwise(found), key=lambda step: step[1].us_per_execution / step[0].us_per_execution)
    told = (
        f"With {_segments(first.segments)} an execution costs {first.us_per_execution:.1f} µs among "
        f"{_operations(first.operations)} and {last.us_per_execution:.1f} µs among {_operations(last.operations)}: "
        f"{last.us_per_execution / first.us_per_execution:.2f} times as much for "
        f"{last.operations / first.operations:,.0f} times the operations."
    )
    if after.us_per_execution <= before.us_per_execution:
        return f"{told} It grows at no step."
    return (
        f"{told} The largest step is the one from {before.operations:,} to {after.operations:,} operations "
        f"({after.us_per_execution / before.us_per_execution:.2f} times), where their state grows from "
        f"{before.operations * before.state_bytes / 2**20:,.1f} to "
        f"{after.operations * after.state_bytes / 2**20:,.1f} MB. The operations come in random order, so that every "
        f"execution needs another part of it than the one before{_caches(findings.cache_mb)}."
    )


def _is_grown(point: Point) -> bool:
    return point.learned_each >= PRIOR_WEIGHT


def _by_age(findings: Findings) -> str:
    """What young operations cost, which is not for their number."""
    young = [one for one in findings.points if not _is_grown(one)]
    if not young:
        return ""
    told = ", ".join(
        f"{one.us_per_execution:.1f} µs among {_operations(one.operations)} with {_segments(one.segments)} after "
        f"{one.learned_each:,.0f} executions of each"
        for one in sorted(young, key=lambda one: (one.operations, one.segments))
    )
    return (
        f"An operation that has learned fewer than {PRIOR_WEIGHT:,.0f} executions costs more, since it is judged by "
        f"the values of its application as well and keeps every value: {told}."
    )


def _caches(cache_mb: float) -> str:
    return f"; the processor's last cache holds {cache_mb:,.0f} MB" if cache_mb else ""


def _reach(points: Sequence[Point]) -> int:
    return points[-1].operations if points else 0


def _by_segments(findings: Findings) -> str:
    sizes = sorted({one.operations for one in findings.points})
    known = [size for size in sizes if len(findings.of_operations(size)) > 1]
    if not known:
        return ""
    found = findings.of_operations(known[-1])
    few, many = found[0], found[-1]
    each = (many.us_per_execution - few.us_per_execution) / (many.segments - few.segments)
    return (
        f"Among {_operations(known[-1])} an execution costs {few.us_per_execution:.1f} µs with "
        f"{_segments(few.segments)} and {many.us_per_execution:.1f} µs with {_segments(many.segments)}: "
        f"{each:.2f} µs for each further one."
    )


def _memory(findings: Findings) -> str:
    largest = max(findings.points, key=lambda one: (one.operations, -one.segments), default=None)
    if largest is None:
        return ""
    return (
        f"The models of {_operations(largest.operations)} take {largest.models_mb:,.0f} MB, "
        f"{largest.models_mb * 2**20 / largest.operations:,.0f} bytes an operation with its share of its application "
        f"({largest.state_bytes:,.0f} in arrays); taking them back after a restart costs {largest.restore_ms:.1f} ms "
        f"of CPU time for an application, {largest.restore_s:.1f} s for all {largest.applications:,}."
    )


def _operations(count: int) -> str:
    return "one operation" if count == 1 else f"{count:,} operations"


def _segments(count: int) -> str:
    return "one segment" if count == 1 else f"{count:,} segments"


def _page(findings: Findings) -> str:
    machine = findings.machine
    method = (
        "`make bench-scale`. In process, since a broker adds nothing there: each row of the first table is a process "
        f"of its own that decodes executions and scores them in chunks of {CHUNK:,}; another process refits the "
        "forests. Operations come equally often and in random order, in applications of at most a hundred, each so "
        "many times before the clock starts as is said under *learned*. "
        "Times are CPU times. Refits are spread over all executions that were learned, and have taken place more "
        "often where an application is young; *restore all* is the time for up to fifty applications, scaled to all."
    )
    place = f"Measured on {machine.cores} cores ({machine.processor}), Python {machine.python}."
    lines = ["# Scale", "", method, "", place, "", growth(findings), ""]
    ordered = sorted(findings.points, key=lambda one: (one.operations, one.segments))
    lines += [*_table(_TITLES, [_row(one) for one in ordered]), "", "![Cost by size](scale.svg)"]
    if findings.crews:
        lines += ["", "## Several workers", "", _crews(findings), ""]
        lines += _table(_CREW_TITLES, [_crew_row(one) for one in findings.crews])
    if findings.restart is not None:
        told = findings.restart
        lines += ["", "## Restart", ""]
        lines.append(
            f"On a broker: a worker with {told.applications:,} applications of one operation scores again "
            f"{told.first_s:.1f} s after its process was started, and has scored one execution of each, all models "
            f"taken back from Kafka, after {told.all_s:.1f} s."
        )
    return "\n".join(lines) + "\n"


def _crews(findings: Findings) -> str:
    first, last = findings.crews[0], findings.crews[-1]
    told = (
        f"On a broker (Apache Kafka, {findings.machine.kafka}) that shares {findings.machine.cores} cores with the "
        f"workers: {_operations(first.operations)}, {_segments(first.segments)}, one execution per record, sent "
        "while the workers wait. The clock runs over the last 60 %."
    )
    if last.workers == first.workers:
        return told
    return (
        f"{told} {last.workers} workers score {last.executions_per_second / first.executions_per_second:.2f} times as "
        f"many executions a second as {first.workers}, each for "
        f"{first.executions_per_cpu_second / last.executions_per_cpu_second:.2f} times the CPU time."
    )


def _row(point: Point) -> tuple[str, ...]:
    return (
        f"{point.operations:,}",
        f"{point.segments}",
        f"{point.learned_each:,.0f}",
        f"{point.executions_per_cpu_second:,.0f}",
        f"{point.us_per_execution:.1f}",
        f"{point.refit_us_per_execution:.1f}",
        f"{point.resident_mb:,.0f}",
        f"{point.state_bytes:,.0f}",
        f"{point.snapshot_bytes / 1000:,.0f}",
        f"{point.restore_s:,.2f}",
    )


def _crew_row(crew: Crewed) -> tuple[str, ...]:
    return (
        f"{crew.workers}",
        f"{crew.executions_per_second:,.0f}",
        f"{crew.executions_per_cpu_second:,.0f}",
        f"{crew.resident_mb:,.0f}",
        f"{crew.least_share * 100:.0f} % of all",
    )


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_line(titles), "|---" * len(titles) + "|", *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def draw(findings: Findings, path: Path) -> None:
    """CPU time of an execution, memory of the models, and CPU time of restoring them, by operations."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels: Any = figure.subplots(1, 3)
    shown = (
        ("us_per_execution", "CPU µs per execution", "linear"),
        ("models_mb", "memory of the models, MB", "log"),
        ("restore_s", "restoring all models, CPU s", "log"),
    )
    for axes, (name, title, scale) in zip(panels, shown, strict=True):
        for segments in findings.segments:
            found = findings.of_segments(segments)
            values = [getattr(one, name) for one in found]
            axes.plot([one.operations for one in found], values, "o-", label=f"{segments} segments")
        axes.set(xscale="log", yscale=scale, xlabel="operations", title=title)
        if scale == "linear":
            axes.set_ylim(bottom=0)
            axes.legend()
    with mpl.rc_context({"svg.hashsalt": "tracehound", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
