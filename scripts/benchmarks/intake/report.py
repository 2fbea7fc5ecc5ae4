"""What the benchmark of intake found, as figures (JSON) and for people (Markdown)."""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from tracehound.scripts.benchmarks.intake.tracers import TracerCost
from tracehound.scripts.documents.stored import store

TARGET: Final = 100_000
"""Spans per CPU second that one worker is to bring through."""
_MARKER: Final = "<!-- what follows is written by hand and kept -->"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    processor: str
    cores: int
    python: str
    kafka: str

    @classmethod
    def here(cls, kafka: str) -> Self:
        """This machine; ``kafka`` says how the broker was had."""
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else platform.machine()
        return cls(name, os.cpu_count() or 0, ".".join(map(str, sys.version_info[:3])), kafka)


@dataclass(frozen=True, slots=True)
class Against:
    """The worker of another build (a commit) that took turns with this one on the same topics, by encoding.

    ``ratio`` is this one's spans per CPU second divided by the other's, round by round. Both as least, median and
    greatest.
    """

    build: str
    spans_per_cpu_second: Mapping[str, Mapping[str, float]]
    ratio: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Findings:
    """Figures by encoding, protobuf and JSON.

    ``worker`` holds least, median and greatest of each figure of a worker's runs, ``workload`` what it read,
    ``stages`` CPU microseconds per span in one process, ``tracers`` what decoding costs in formats of Protobuf.
    """

    machine: Machine
    worker: Mapping[str, Mapping[str, Any]]
    workload: Mapping[str, Mapping[str, int]]
    stages: Mapping[str, Mapping[str, float]]
    rounds: int
    trace_wait_s: float
    against: Against | None = None
    tracers: Mapping[str, TracerCost] = field(default_factory=dict)

    @property
    def spans_per_cpu_second(self) -> float:
        """Of a worker that reads protobuf, median."""
        return float(self.worker["protobuf"]["spans_per_cpu_second"]["median"])

    @property
    def executions_per_cpu_second(self) -> float:
        """Of a worker that reads protobuf, median."""
        return float(self.worker["protobuf"]["executions_per_cpu_second"]["median"])

    def summary(self) -> str:
        """The headline and whether the target was met."""
        met = "met" if self.spans_per_cpu_second >= TARGET else "missed"
        return (
            f"{self.spans_per_cpu_second:,.0f} spans and {self.executions_per_cpu_second:,.0f} executions per CPU "
            f"second (protobuf); the target of {TARGET:,} spans is {met}."
        )


def write(findings: Findings, folder: Path) -> None:
    """Write ``intake.json`` and ``intake.md``; what stands below the marker of an earlier page stays."""
    figures = {
        "spans_per_cpu_second": findings.spans_per_cpu_second,
        "target_spans_per_cpu_second": TARGET,
        "executions_per_cpu_second": findings.executions_per_cpu_second,
        **asdict(findings),
    }
    store(folder / "intake.json", figures)
    page = folder / "intake.md"
    kept = page.read_text().partition(_MARKER)[2] if page.exists() else "\n"
    page.write_text(f"{_page(findings)}\n\n{_MARKER}{kept}")


def _page(findings: Findings) -> str:
    machine = findings.machine
    workload = " and ".join(
        f"{made['spans']:,} spans in {name} ({made['records']:,} records, {made['executions']:,} executions)"
        for name, made in findings.workload.items()
    )
    method = (
        "`make bench-intake`: simulated applications export spans with 8 to 12 attributes, up to 500 a record, by "
        "service and in no order, to a topic that is filled before. One intake worker, pinned to one core, decodes "
        "them, writes them anew by trace, reads that, joins the traces and writes executions; the worker of the next "
        "round begins from nothing. The clock starts when the worker has its partitions and stops when the last "
        f"execution can be read. All must be there, each once, or the benchmark fails. Read were {workload}. Traces "
        f"wait {findings.trace_wait_s:g} s instead of 10 s, so that wall time is not mostly waiting; it still holds "
        "the wait for the end of the last traces."
    )
    setup = (
        f"Measured on {machine.cores} cores ({machine.processor}), Python {machine.python}, Apache Kafka "
        f"({machine.kafka}) on the same machine, {findings.rounds} rounds each: median (least to greatest)."
    )
    stages = (
        "CPU microseconds per span. The stages are measured in one process without Kafka, one after the other, median "
        f"of {2 * findings.rounds + 1} rounds. The last row is the worker of above, which does all of it and fetches "
        "and sends every span twice. Where the machine is shared, figures of different moments do not add up exactly."
    )
    titles = ("encoding", "spans per CPU second", "executions per CPU second", "spans per second", "peak MB")
    head = f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|"
    return "\n\n".join(
        (
            "# Intake",
            method,
            findings.summary(),
            setup,
            f"{head}\n{_worker_rows(findings)}",
            *([_comparison(findings.against)] if findings.against is not None else []),
            "## Where the time goes",
            stages,
            _stage_table(findings),
            *([_tracer_table(findings.tracers)] if findings.tracers else []),
        )
    )


def _worker_rows(findings: Findings) -> str:
    return "\n".join(
        "| "
        + " | ".join(
            (
                name,
                _range(run["spans_per_cpu_second"]),
                _range(run["executions_per_cpu_second"]),
                _range(run["spans_per_second"]),
                f"{run['peak_mb']['median']:,.0f}",
            )
        )
        + " |"
        for name, run in findings.worker.items()
    )


def _comparison(against: Against) -> str:
    told = (
        f"The worker of commit {against.build} took turns with this one, on the same topics and with the same "
        f"libraries (`make bench-intake AGAINST={against.build}`):"
    )
    titles = ("encoding", f"spans per CPU second of {against.build}", "this one by that one")
    rows = [
        f"| {name} | {_range(spread)} | {_ratio(against.ratio[name])} |"
        for name, spread in against.spans_per_cpu_second.items()
    ]
    return "\n".join((told, "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *rows))


def _tracer_table(tracers: Mapping[str, TracerCost]) -> str:
    told = (
        "The same spans in each format of Protobuf, decoded in turns: what a record costs by itself weighs more where "
        "few spans are in one, so OTLP is also in records as small as Jaeger's and SkyWalking's."
    )
    rows = [f"| {name} | {cost.spans_per_record:,.1f} | {cost.microseconds:.1f} |" for name, cost in tracers.items()]
    head = "| format | spans a record | CPU microseconds per span |\n|---|---|---|"
    return "\n".join(("## Decoding by format", "", told, "", head, *rows))


def _ratio(figure: Mapping[str, float]) -> str:
    return f"{figure['median']:.3f} ({figure['min']:.3f} to {figure['max']:.3f})"


def _range(figure: Mapping[str, float]) -> str:
    return f"{figure['median']:,.0f} ({figure['min']:,.0f} to {figure['max']:,.0f})"


def _stage_table(findings: Findings) -> str:
    columns: dict[str, list[float]] = {}
    for name, stage in findings.stages.items():
        worker_us = 1e6 / findings.worker[name]["spans_per_cpu_second"]["median"]
        columns[name] = [
            stage["decode"],
            stage["rekey"] - stage["decode"],
            stage["join"],
            stage["emit"],
            stage["whole"],
            worker_us,
        ]
    titles = ("decode OTLP", "re-key by trace", "join", "write executions", "all in one process", "worker")
    rows = [
        f"| {title} | " + " | ".join(f"{column[number]:.1f}" for column in columns.values()) + " |"
        for number, title in enumerate(titles)
    ]
    return "\n".join((f"| stage | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *rows))
