"""What the benchmark of the gateway found, as figures (JSON) and for people (Markdown)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.documents.measured import table
from tracehound.scripts.documents.stored import store

_IDLE = 0.5
TARGET_SHARE, TARGET_P99_MS = 0.5, 50.0
"""Of the Collector's spans per CPU second; milliseconds at half of the load that is kept up with."""


@dataclass(frozen=True, slots=True)
class Run:
    """One contender with one kind of bodies: as fast as answered, and then at half of that rate.

    ``items_per_cpu_second`` counts spans or executions; ``accepted`` and ``lost`` count bodies, of both loads.
    """

    items_per_cpu_second: float
    items_per_second: float
    p99_ms_half_load: float
    accepted: int
    lost: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Runs by contender and bodies, round by round.

    ``load_before`` is how many processes of others wanted the cores in the minute before, on average: latencies of a
    machine that others use, too, say little about the program.
    """

    machine: Machine
    runs: Mapping[str, list[Run]]
    seconds: float
    load_before: float = 0.0

    def middle(self, name: str, figure: str) -> float | None:
        """The median of a figure over the rounds; None where there was no such run."""
        values = [float(getattr(run, figure)) for run in self.runs.get(name, ())]
        return median(values) if values else None

    def figures(self) -> dict[str, Any]:
        """As they are stored."""
        return {
            "spans_per_cpu_second": self.middle(GATEWAY, "items_per_cpu_second"),
            "collector_spans_per_cpu_second": self.middle(COLLECTOR, "items_per_cpu_second"),
            "p99_ms_half_load": self.middle(GATEWAY, "p99_ms_half_load"),
            "accepted": sum(run.accepted for name, runs in self.runs.items() if name != COLLECTOR for run in runs),
            "lost": sum(run.lost for name, runs in self.runs.items() if name != COLLECTOR for run in runs),
            **asdict(self),
        }

    def summary(self) -> str:
        """The headline, and which targets were met."""
        ours, theirs = (self.middle(name, "items_per_cpu_second") for name in (GATEWAY, COLLECTOR))
        p99_ms = self.middle(GATEWAY, "p99_ms_half_load")
        if ours is None or p99_ms is None:
            return "Nothing was measured."
        late = f"p99 at half load is {p99_ms:.0f} ms ({_met(p99_ms <= TARGET_P99_MS)} {TARGET_P99_MS:.0f})"
        if theirs is None:
            return f"{ours:,.0f} spans per CPU second; {late}. No Collector was at hand to compare with."
        share = ours / theirs
        return (
            f"{ours:,.0f} spans per CPU second, {share:.2f} of the Collector's {theirs:,.0f} in the same run "
            f"({_met(share >= TARGET_SHARE)} {TARGET_SHARE:g}); {late}."
        )


GATEWAY, COLLECTOR = "gateway, 500 spans", "Collector, 500 spans"


def _others(load: float, cores: int) -> str:
    if load < _IDLE:
        return "Nothing else ran on it."
    return (
        f"In the minute before, {load:.1f} processes of others wanted its {cores} cores: the times of answers are "
        "mostly waiting for a core, for both programs alike; CPU seconds are not."
    )


def _met(is_met: bool) -> str:
    return "meets the target of" if is_met else "misses the target of"


def write(findings: Findings, folder: Path) -> None:
    """Write ``gateway.json`` and ``gateway.md``."""
    store(folder / "gateway.json", findings.figures())
    (folder / "gateway.md").write_text(page(findings))


def page(findings: Findings) -> str:
    """The report."""
    machine = findings.machine
    head = ("what", "per CPU second", "per second", "p99 at half load, ms", "bodies accepted", "lost")
    rows = [
        [
            name,
            f"{findings.middle(name, 'items_per_cpu_second'):,.0f}",
            f"{findings.middle(name, 'items_per_second'):,.0f}",
            f"{findings.middle(name, 'p99_ms_half_load'):.1f}",
            f"{sum(run.accepted for run in runs):,}",
            str(sum(run.lost for run in runs)),
        ]
        for name, runs in findings.runs.items()
    ]
    method = (
        "`make bench-gateway`: eight clients send Protobuf requests of up to 500 spans with 8 to 12 attributes, "
        "single executions, and executions in 500 lines, over HTTP on loopback. Each program has one core and answers "
        "when Kafka has acknowledged (all replicas, lz4): the Collector has no queue for that. First each client sends "
        f"when it is answered, for {findings.seconds:g} s; then all send at half of that rate, and the time of an "
        "answer counts from when its request was due. CPU time is that of the process, all threads. Lost are bodies "
        "that were accepted and are not in the topic."
    )
    rounds = len(next(iter(findings.runs.values())))
    setup = (
        f"Measured on {machine.cores} cores ({machine.processor}), Python {machine.python}, Apache Kafka "
        f"({machine.kafka}) and the clients on the same machine; "
        f"{'one round' if rounds == 1 else f'medians of {rounds} rounds'}, in which the programs take turns. "
        f"{_others(findings.load_before, machine.cores)}"
    )
    return "\n\n".join(("# Gateway", method, findings.summary(), setup, table(head, rows))) + "\n"
