"""What the latency benchmark found, as figures (JSON), for people (Markdown) and as a plot."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.latency.pairs import Answers, percentile
from tracehound.scripts.documents.stored import store

HALF: Final = 0.5
P99_MS: Final = 60.0
"""The 99th percentile that is wanted at half of the maximum."""
P999_MS: Final = 120.0
"""The 99.9th percentile that is wanted there."""
TENTH: Final = 0.1
BUSY: Final = 0.3
"""The share of a core that a worker may use at a tenth of the maximum."""
P99_AT_A_TENTH_MS: Final = 100.0
_SHOWN_UNANSWERED: Final = 5


@dataclass(frozen=True, slots=True)
class Round:
    """One round at a share of the maximum; rates in executions per second.

    ``behind_ms`` is the longest that a record was sent after its time, ``busy`` the cores that the worker used with
    all its processes.
    """

    share: float
    rate: float
    sent_rate: float
    answers: Answers
    behind_ms: float
    busy: float


@dataclass(frozen=True, slots=True)
class Level:
    """All rounds at one share of the maximum; milliseconds.

    ``p50_ms`` and ``p99_ms`` are medians of the rounds' percentiles, ``p99_range_ms`` least and greatest of them;
    ``p999_ms`` and ``longest_ms`` are of all ``samples`` together.
    """

    share: float
    rate: float
    sent_rate: float
    p50_ms: float
    p99_ms: float
    p99_range_ms: tuple[float, float]
    p999_ms: float
    longest_ms: float
    samples: int
    unanswered: int
    unanswered_ids: list[str]
    behind_ms: float
    busy: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target at a share of the maximum, and what was found there."""

    target: str
    share: float
    found: float
    met: bool
    unit: str

    def sentence(self) -> str:
        """The target and the verdict."""
        met = "met" if self.met else "**missed**"
        return f"At {_percent(self.share)} of the maximum, {self.target}: {met}, {self.found:,.0f}{self.unit}."


@dataclass(frozen=True, slots=True)
class Findings:
    """``maximum`` is in executions per second; ``given`` says that it was an option and not measured."""

    machine: Machine
    maximum: float
    given: bool
    rounds: Sequence[Round]
    setup: Mapping[str, float]

    def levels(self) -> list[Level]:
        """The rounds of each share that have answers, shares in their order."""
        shares = sorted({one.share for one in self.rounds})
        of_share = ([one for one in self.rounds if one.share == share] for share in shares)
        return [_level(found) for found in of_share if any(one.answers.latencies_ms for one in found)]

    def verdicts(self) -> list[Verdict]:
        """Every target whose level was measured."""
        found = []
        levels = {level.share: level for level in self.levels()}
        if half := levels.get(HALF):
            found += [
                Verdict(f"{P99_MS:.0f} ms at the 99th percentile", HALF, half.p99_ms, half.p99_ms <= P99_MS, " ms"),
                Verdict(
                    f"{P999_MS:.0f} ms at the 99.9th percentile", HALF, half.p999_ms, half.p999_ms <= P999_MS, " ms"
                ),
            ]
        if tenth := levels.get(TENTH):
            busy, p99_ms = 100.0 * tenth.busy, tenth.p99_ms
            target = f"{P99_AT_A_TENTH_MS:.0f} ms at the 99th percentile"
            found += [
                Verdict(f"{_percent(BUSY)} of a core busy", TENTH, busy, tenth.busy <= BUSY, " %"),
                Verdict(target, TENTH, p99_ms, p99_ms <= P99_AT_A_TENTH_MS, " ms"),
            ]
        return found

    def summary(self) -> str:
        """Which targets were met, and what was not answered."""
        unanswered = sum(len(one.answers.unanswered) for one in self.rounds)
        planted = unanswered + sum(len(one.answers.latencies_ms) for one in self.rounds)
        told = " ".join(verdict.sentence() for verdict in self.verdicts())
        return f"{told} Of {planted:,} planted executions {unanswered:,} led to no anomaly.".strip()


def _level(rounds: Sequence[Round]) -> Level:
    told = [one.answers.latencies_ms for one in rounds if one.answers.latencies_ms]
    together = [latency for latencies in told for latency in latencies]
    p99s = [percentile(latencies, 0.99) for latencies in told]
    unanswered = [trace_id for one in rounds for trace_id in one.answers.unanswered]
    return Level(
        share=rounds[0].share,
        rate=round(rounds[0].rate),
        sent_rate=round(statistics.median(one.sent_rate for one in rounds)),
        p50_ms=statistics.median(percentile(latencies, 0.5) for latencies in told),
        p99_ms=statistics.median(p99s),
        p99_range_ms=(min(p99s), max(p99s)),
        p999_ms=percentile(together, 0.999),
        longest_ms=max(together),
        samples=len(together),
        unanswered=len(unanswered),
        unanswered_ids=unanswered[:_SHOWN_UNANSWERED],
        behind_ms=round(max(one.behind_ms for one in rounds), 1),
        busy=round(statistics.median(one.busy for one in rounds), 3),
    )


def write(findings: Findings, folder: Path) -> None:
    """Write ``latency.json``, ``latency.md`` and ``latency.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "maximum": round(findings.maximum),
        "maximum_given": findings.given,
        "targets": [asdict(verdict) for verdict in findings.verdicts()],
        "levels": {f"{level.share:g}": asdict(level) for level in findings.levels()},
        "setup": findings.setup,
        "machine": asdict(findings.machine),
    }
    store(folder / "latency.json", figures)
    (folder / "latency.md").write_text(_page(findings), encoding="utf-8")
    draw(findings, folder / "latency.svg")


def table(findings: Findings) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Titles, and a row for each level."""
    titles = ("load", "executions/s", "p50", "p99 (rounds)", "p99.9", "longest", "samples", "unanswered", "busy")
    return titles, [_row(level) for level in findings.levels()]


def _row(level: Level) -> tuple[str, ...]:
    low, high = level.p99_range_ms
    return (
        _percent(level.share),
        f"{level.sent_rate:,.0f}",
        f"{level.p50_ms:,.0f} ms",
        f"{level.p99_ms:,.0f} ms ({low:,.0f} to {high:,.0f})",
        f"{level.p999_ms:,.0f} ms",
        f"{level.longest_ms:,.0f} ms",
        f"{level.samples:,}",
        f"{level.unanswered:,}",
        _percent(level.busy),
    )


def _page(findings: Findings) -> str:
    machine, setup = findings.machine, findings.setup
    rounds = max((sum(one.share == level.share for one in findings.rounds) for level in findings.levels()), default=0)
    given = "given" if findings.given else "measured first: how fast a worker reads what has piled up"
    method = (
        "`make bench-latency`: from the append of an execution to `executions.v1` to the append of its anomaly to "
        "`anomalies.v1`. The broker stamps both (`message.timestamp.type=LogAppendTime`), so there is one clock; it "
        f"counts whole milliseconds. The maximum of {findings.maximum:,.0f} executions/s is {given}. Then the same "
        "worker gets normal executions, one per record, at a constant rate, whatever the answers (open loop); after "
        f"{setup['settle_s']:g} s an execution that takes three hours is planted every "
        f"{setup['plant_every_s'] * 1000:g} ms, at a random moment of that time, each in an operation of its own, and "
        "paired with its anomaly by trace id."
    )
    place = (
        f"Measured on {machine.cores} cores ({machine.processor}), Python {machine.python}, Apache Kafka "
        f"({machine.kafka}). The worker, with the process that fits its forests, is pinned to one core; broker and "
        f"load share the others. {setup['applications']:g} applications with {setup['operations']:g} operations, "
        f"{rounds} rounds: p50 and p99 are medians of the rounds (and least to greatest), p99.9 is of the samples of "
        "all rounds together, so with fewer than a thousand of them it is the longest. *Busy* is the share of a core "
        "that the worker used, all its processes together. Latencies contain the worker's wait for more results to "
        "send (linger), but not the load's own. "
        f"No record was sent more than {max((level.behind_ms for level in findings.levels()), default=0):,.0f} ms "
        "after its time."
    )
    titles, rows = table(findings)
    lines = ["# Latency", "", method, "", place, "", findings.summary(), "", _line(titles), "|---" * len(titles) + "|"]
    lines += [*map(_line, rows), "", "![Share of anomalies that took longer](latency.svg)"]
    return "\n".join(lines) + "\n"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def draw(findings: Findings, path: Path) -> None:
    """The share of anomalies that took longer than so many milliseconds, a line per level."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes: Any = figure.subplots()
    for level in findings.levels():
        rounds = (one.answers.latencies_ms for one in findings.rounds if one.share == level.share)
        found = np.sort(np.concatenate([np.asarray(latencies, np.float64) for latencies in rounds]))
        longer = 1.0 - np.arange(len(found)) / len(found)
        axes.step(np.maximum(found, 1.0), longer, where="pre", label=f"{_percent(level.share)} of the maximum")
    axes.axvline(P99_MS, color="0.4", linestyle=":")
    axes.axhline(0.01, color="0.4", linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="milliseconds", ylabel="share that took longer")
    if findings.levels():
        axes.legend()
    with mpl.rc_context({"svg.hashsalt": "tracehound", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
