"""What the throughput benchmark found: figures (JSON), a page for people (Markdown) with the targets' verdicts."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from tracehound.scripts.benchmarks.measured_process import Measurement
from tracehound.scripts.benchmarks.throughput.plot import draw
from tracehound.scripts.benchmarks.throughput.profile import Profile
from tracehound.scripts.benchmarks.throughput.run import CLOCK_STARTS
from tracehound.scripts.documents.stored import store

Figures = Mapping[str, Mapping[str, float]]
"""Least, median and greatest of each figure of one contender's runs."""

MARKER: Final = "<!-- what follows is written by hand and kept -->"
_NAME: Final = "throughput"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and what the figures say: ``met`` is None where a contender that it needs did not run."""

    target: str
    contender: str
    found: float | None
    met: bool | None
    unit: str

    def sentence(self) -> str:
        """The target and the verdict."""
        if self.found is None:
            return f"{self.target} ({self.contender}): **not measured**"
        return f"{self.target} ({self.contender}): **{'met' if self.met else 'missed'}**, {self.found:,.1f}{self.unit}"


@dataclass(frozen=True, slots=True)
class Against:
    """Our worker as another build (a commit) has it, which took turns with this one on the same topics, by contender.

    ``ratio`` is its CPU time for an execution divided by this one's, round by round: how many times as fast this is.
    """

    commit: str
    contenders: Mapping[str, Figures]
    ratio: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, commit: str, runs: Mapping[str, Sequence[Measurement]]) -> "Against":
        """What the runs say; those of the other build are named after ours and it (``contender_list.of_build``)."""
        pairs = {name: (own, runs[f"{name}-{commit}"]) for name, own in runs.items() if f"{name}-{commit}" in runs}
        return cls(
            commit,
            {name: summary(others) for name, (_, others) in pairs.items()},
            {
                name: _spread(
                    [other.cpu_s_per_million / run.cpu_s_per_million for run, other in zip(*both, strict=True)]
                )
                for name, both in pairs.items()
            },
        )

    def told(self) -> dict[str, Any]:
        """As it stands in the file of figures."""
        return {"commit": self.commit, **self.contenders, "ratio": self.ratio}


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found. ``absent`` says of each contender that did not run why; ``about`` what each one is.

    ``cold`` says which models were not there yet when the clock started; None where all were. ``loop_s`` is what a
    fixed loop took before the first round and after each.
    """

    setup: Mapping[str, Any]
    machine: Mapping[str, Any]
    contenders: Mapping[str, Figures]
    absent: Mapping[str, str]
    about: Mapping[str, str]
    profile: Mapping[str, Profile] = field(default_factory=dict)
    cold: str | None = None
    no_profile: str = "It was not asked for (`--profile`)."
    against: Against | None = None
    loop_s: Sequence[float] = ()

    def verdicts(self) -> list[Verdict]:
        """Every target with its verdict, for one execution per record and for arrays."""
        found = []
        for own in ("tracehound", "tracehound_arrays"):
            found.append(self._at_least("100,000 executions/s", own, 100_000, self._rate(own), " /s"))
            for other, times, what in MULTIPLES:
                found.append(self._at_least(f"{times} × {what}", own, times, self.ratio(own, other), " ×"))
        for own, most_us in TRANSPORT_US.items():
            cost = self._median(own, "cpu_s_per_million")
            met = None if cost is None else cost <= most_us
            found.append(Verdict(f"transport in {most_us:g} µs of CPU", own, cost, met, " µs"))
        if self.against is not None:
            for own in ("tracehound", "tracehound_arrays"):
                as_fast = self.against.ratio[own]["median"] if own in self.against.ratio else None
                target = f"{TIMES_AS_FAST:g} × as fast by CPU as {self.against.commit}"
                found.append(self._at_least(target, own, TIMES_AS_FAST, as_fast, " ×"))
        return found

    @staticmethod
    def _at_least(target: str, contender: str, wanted: float, found: float | None, unit: str) -> Verdict:
        return Verdict(target, contender, found, None if found is None else found >= wanted, unit)

    def _median(self, name: str, figure: str) -> float | None:
        return self.contenders[name][figure]["median"] if name in self.contenders else None

    def _rate(self, name: str) -> float | None:
        return self._median(name, "executions_per_second")

    def ratio(self, name: str, other: str) -> float | None:
        """How many times as many executions per second as the other; None where one of them did not run."""
        own, others = self._rate(name), self._rate(other)
        return own / others if own and others else None


TRANSPORT_US: Final = {"detection_off": 2.5, "detection_off_arrays": 1.0}
"""CPU µs that an execution may cost a worker that judges nothing."""
TIMES_AS_FAST: Final = 3.0
"""How many times as fast ours is to be as the earlier build that takes turns with it."""
MULTIPLES: Final = (
    ("faust_river_no_table", 10, "Faust + River without a table"),
    ("faust_river", 10, "Faust + River with a table"),
    ("faust_river_take", 10, "Faust + River with a table, `take` and linger"),
    ("quix_river", 10, "Quix + River"),
    ("jvm_rcf", 15, "Kafka Streams + grown random cut forests"),
)
"""How many times as fast as another contender ours is to be, one execution per record or many."""
FAUSTS: Final = ("faust_river_no_table", "faust_river", "faust_river_take")


def summary(runs: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """Least, median and greatest of each figure."""
    figures = {}
    for one in fields(Measurement):
        figures[one.name] = _spread([getattr(run, one.name) for run in runs])
    return figures


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def write(findings: Findings, folder: Path) -> None:
    """Write ``throughput.json``, ``.svg`` and ``.md``; what stands below the marker of an earlier page stays."""
    told = {
        "setup": findings.setup,
        "machine": findings.machine,
        "contenders": findings.contenders,
        "absent": findings.absent,
        "targets": [asdict(verdict) for verdict in findings.verdicts()],
        "fixed_loop_s": list(findings.loop_s),
        "profile": {name: asdict(profile) for name, profile in findings.profile.items()},
        **({} if findings.against is None else {"against": findings.against.told()}),
    }
    store(folder / f"{_NAME}.json", told)
    draw(findings.contenders, folder / f"{_NAME}.svg")
    page = folder / f"{_NAME}.md"
    kept = page.read_text().partition(MARKER)[2] if page.exists() else "\n"
    page.write_text(f"{page_of(findings)}\n\n{MARKER}{kept}")


def page_of(findings: Findings) -> str:
    """The page, in Markdown."""
    parts = ["# Throughput", _method(findings), *_cold(findings), *_absent(findings)]
    parts += ["## Targets", "\n".join(f"- {verdict.sentence()}" for verdict in findings.verdicts())]
    parts += [
        "## Figures",
        _table(findings),
        *_loop(findings),
        f"![Executions per second]({_NAME}.svg)",
        _machine(findings),
    ]
    if findings.against is not None:
        parts += ["## Next to an earlier build", _comparison(findings, findings.against)]
    parts += ["## Where the time goes", _profile(findings)]
    return "\n\n".join(parts)


def _method(findings: Findings) -> str:
    setup = findings.setup
    return (
        f"`make bench-throughput`: one broker, topics that are filled before with {setup['applications']} applications "
        f"of {setup['operations']} operations, {setup['segments']} segments in each execution, one execution per "
        f"record or {setup['batch']} (`_arrays`). {setup['count']:,} executions for fast contenders; for slow ones "
        f"{setup['short_count']:,} of {setup['short_applications']} applications, and {setup['grown_count']:,} of "
        f"{setup['grown_applications']}, so that the forests of `jvm_rcf` have grown. Each contender runs by itself, "
        "pinned to one core with everything it starts, while the broker has the others; they take turns, "
        f"{setup['rounds']} rounds. The clock starts after {CLOCK_STARTS:.0%} of the executions, so that "
        "compiling, first windows and the first two forests of each application are over; the third comes after the "
        "end. (Refits come ever more rarely, up to one in 50,000 executions of an application, each some ten "
        "milliseconds of another process; here all applications are equally old and would be refitted at once.) A "
        "contender "
        "that has not processed every execution exactly once fails the whole run. "
        "Figures are median (least to greatest). What each contender does and how it was made fair stands in "
        "[scripts/benchmarks/throughput/contenders/README.md](../../scripts/benchmarks/throughput/contenders/README.md)."
    )


def _cold(findings: Findings) -> list[str]:
    return [f"**Too few executions, figures flatter:** {findings.cold}."] if findings.cold else []


def _absent(findings: Findings) -> list[str]:
    if not findings.absent:
        return []
    return ["**Not measured:**\n" + "\n".join(f"- **{name}**: {why}" for name, why in findings.absent.items())]


def _loop(findings: Findings) -> list[str]:
    if not findings.loop_s:
        return []
    took = ", ".join(f"{one:.2f}" for one in findings.loop_s)
    slower = max(findings.loop_s) / min(findings.loop_s) - 1.0
    return [
        "A fixed loop of pure CPU on the contenders' core, before the first round and after each, took "
        f"{took} s: the slowest hour was {slower:.0%} slower than the fastest."
    ]


def _table(findings: Findings) -> str:
    titles = (
        "contender",
        "what",
        "executions/s",
        "per CPU second",
        "CPU µs each",
        "peak MB",
        "against Faust + River (no table; table; `take`)",
        "against Quix + River",
        "against Kafka Streams",
    )
    return "\n".join(
        (f"| {' | '.join(titles)} |", "|---" * len(titles) + "|", *(_row(findings, name) for name in findings.about))
    )


def _row(findings: Findings, name: str) -> str:
    figures = findings.contenders.get(name)
    if figures is None:
        return f"| {name} | {findings.about[name]} | **not measured** | | | | | | |"
    cells = (
        name,
        findings.about[name],
        _range(figures["executions_per_second"]),
        _range(figures["executions_per_cpu_second"]),
        f"{figures['cpu_s_per_million']['median']:,.1f}",
        f"{figures['peak_mb']['median']:,.0f}",
        "; ".join(_times(findings.ratio(name, other)) for other in FAUSTS).strip("; "),
        _times(findings.ratio(name, "quix_river")),
        _times(findings.ratio(name, "jvm_rcf")),
    )
    return f"| {' | '.join(cells)} |"


def _comparison(findings: Findings, against: Against) -> str:
    told = (
        f"Our worker as of commit {against.commit} took turns with this one, on the same topics and with the same "
        f"libraries (`make bench-throughput AGAINST={against.commit}`). CPU µs for an execution; the ratio is that of "
        "each round."
    )
    rows = []
    for name, figures in against.contenders.items():
        before, now = (one["cpu_s_per_million"]["median"] for one in (figures, findings.contenders[name]))
        ratio = against.ratio[name]
        times = f"{ratio['median']:.2f} × ({ratio['min']:.2f} to {ratio['max']:.2f})"
        rows.append(f"| {name} | {before:,.1f} | {now:,.1f} | {times} |")
    return "\n".join(
        (told, "", f"| contender | {against.commit} | this one | times as fast |", "|---" * 4 + "|", *rows)
    )


def _range(figure: Mapping[str, float]) -> str:
    return f"{figure['median']:,.0f} ({figure['min']:,.0f} to {figure['max']:,.0f})"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.1f} ×"


def _machine(findings: Findings) -> str:
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in findings.machine.items())
    return f"Measured on: {told}."


def _profile(findings: Findings) -> str:
    if not findings.profile:
        return f"No profile. {findings.no_profile}"
    intro = (
        "Samples of the worker's stack (py-spy), taken in a run of their own while the clock runs. A sample belongs to "
        "the stage of its innermost frame in a file that has one, so time in numpy and compiled kernels is its "
        "caller's; threads that wait are left out."
    )
    return "\n\n".join((intro, _stages(findings.profile), *map(_functions, findings.profile.items())))


def _stages(profiles: Mapping[str, Profile]) -> str:
    stages = sorted(
        {stage for profile in profiles.values() for stage in profile.stages},
        key=lambda stage: -sum(profile.stages.get(stage, 0.0) for profile in profiles.values()),
    )
    rows = (
        f"| {stage} | " + " | ".join(f"{profile.stages.get(stage, 0.0):.1%}" for profile in profiles.values()) + " |"
        for stage in stages
    )
    return "\n".join((f"| stage | {' | '.join(profiles)} |", "|---" * (len(profiles) + 1) + "|", *rows))


def _functions(profiled: tuple[str, Profile]) -> str:
    name, profile = profiled
    rows = (f"| `{function}` | {share:.1%} |" for function, share in profile.functions.items())
    return "\n".join((f"| innermost function, {name} ({profile.samples:,} samples) | share |", "|---|---|", *rows))
