"""The Markdown report on weeks of ordinary life, made from the same figures as the JSON document and nothing else."""

from collections.abc import Iterable, Mapping, Sequence

from tracehound.scripts.benchmarks.weeks.figures import MOST_ANOMALIES, MOST_MAJOR, Figures

TARGET = 0.95
"""Share of the lives that should keep to their bounds, and of the faults that should be found."""
_GROUPS = {"reporting": "seeds that nobody tunes on", "tuning": "seeds for tuning"}


def report(document: Figures, stories: Mapping[str, str]) -> str:
    """The report of a run; ``stories`` say what each life is like, also those that were not run."""
    machine = document["machine"]
    groups = {name: figures for name, figures in {"reporting": document, **document}.items() if name in _GROUPS}
    missing = [name for name in stories if name not in {row["name"] for row in document["rows"]}]
    sections = [
        f"# Weeks of ordinary life\nWritten by `{document['command']}` from the same figures as `weeks.json`; do not "
        f"edit. Commit {document['commit']}, {document['date']}. The run took {document['seconds'] / 60:.0f} minutes "
        f"of {document['processes']} core(s) of {machine['processor']} (Python {machine['python']})."
        + (f" Not run: {', '.join(missing)}." if missing else ""),
        _METHOD,
        _table(("", *(f"{name} ({_GROUPS[name]})" for name in groups), "target"), _summary(groups)),
        "## Alarms against the budget",
        "Alarms (anomalies within five minutes are one) on judged days without faults, over those that the alarm "
        "budget allows the channels of each kind, with a 95 % interval of the ratio; silence counts as traffic.",
        _table(
            ("kind", "obtained", "allowed", "ratio", "interval", "major anomalies"), _ratios(document["budget_ratio"])
        ),
        "## Lives",
        "A day and application, after the learning time; **bold** is beyond the bound. *Said* is what was told most.",
        _table(
            ("life", "days", "executions", "anomalies", "major", "incidents", "faults found", "said"),
            _lives(document["rows"]),
        ),
        "## Faults",
        _table(_FAULT_HEADINGS, _faults("kind", document["by_fault"])),
        _table(_FAULT_HEADINGS, _faults("moment", document["by_moment"])),
        "Missed or wrong:",
        _table(("life", "fault", "moment", "a second", "found after", "severity", "cause"), _wrong(document["rows"])),
        "## What the lives are like",
        _table(("life", ""), stories.items()),
    ]
    return "\n\n".join(sections) + "\n"


_METHOD = f"""Each life is one simulated application with Poisson arrivals; its parameters are drawn from ranges, by
seed. It goes through the core as in a worker: scored in order of arrival, silence judged by the clock, incidents
followed. The first days are for learning and count nothing; then everything that is told is false, up to the days with
planted faults. A life keeps to the budget with at most {MOST_ANOMALIES:g} anomalies a day, and without major ones with
at most {MOST_MAJOR:g}. A fault is found by an anomaly of a right kind, for an operation that it befalls, about what
happened while it lasted; what begins after it is false, and if within half an hour, a recovery told as a fault.
Severity and cause (the largest contribution) are those of the gravest right anomaly."""
_FAULT_HEADINGS = ("", "planted", "found", "median delay", "severity right", "cause right")


def _summary(groups: Mapping[str, Figures]) -> Iterable[tuple[str, ...]]:
    def row(said: str, cell: "object", target: str = "") -> tuple[str, ...]:
        assert callable(cell)
        return (said, *(str(cell(figures)) for figures in groups.values()), target)

    yield row("lives, and application-days judged", lambda one: f"{one['scenarios']}, {one['application_days']:.0f}")
    at_least = f"≥ {TARGET:.0%}".replace("%", " %")
    yield row(
        f"with at most {MOST_ANOMALIES:g} anomalies a day",
        lambda one: _of(one["within_budget"], one["scenarios"]),
        at_least,
    )
    yield row(
        f"with at most {MOST_MAJOR:g} major ones a day", lambda one: _of(one["no_major"], one["scenarios"]), at_least
    )
    yield row("anomalies a day, mean of the lives", lambda one: f"{one['mean_anomalies_per_day']:.2f}")
    yield row("major ones", lambda one: f"{one['mean_major_per_day']:.2f}")
    yield row("incidents a day that people were sent", lambda one: f"{one['incidents_per_day']:.2f}")
    yield row("faults found with a right kind", lambda one: _of(one["faults_found"], one["faults"]), at_least)
    yield row("median delay", lambda one: _seconds(one["median_delay_s"]))
    yield row("median delay at 1/s and more", lambda one: _seconds(one["median_delay_at_one_per_s"]), "≤ 60 s")
    yield row("severity right, of all faults", lambda one: _of(one["severity_right"], one["faults"]))
    yield row("cause right, of all faults", lambda one: _of(one["cause_right"], one["faults"]))
    yield row("false alarms a day on days with faults", lambda one: f"{one['false_beside_faults_per_day']:.2f}")
    yield row("faults whose recovery was told as a fault", lambda one: _of(one["recoveries_told"], one["faults"]))


def _ratios(ratios: Mapping[str, Figures]) -> Iterable[tuple[str, ...]]:
    for kind, one in ratios.items():
        low, high = one["ratio_interval"]
        yield (
            kind,
            f"{one['obtained']}",
            f"{one['expected']:.1f}",
            f"{one['ratio']:.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{one['major']}",
        )


def _lives(rows: Sequence[Figures]) -> Iterable[tuple[str, ...]]:
    for row in rows:
        found = sum(fault["delay_s"] is not None for fault in row["faults"])
        yield (
            row["name"],
            f"{row['application_days']:.0f}",
            f"{row['executions']:,}",
            _bounded(row["anomalies_per_day"], MOST_ANOMALIES),
            _bounded(row["major_per_day"], MOST_MAJOR),
            f"{row['incidents_per_day']:.2f}",
            f"{found} of {len(row['faults'])}",
            ", ".join(f"{count} {what}" for what, count in row["said"].items()) or "–",
        )


def _faults(of: str, groups: Mapping[str, Figures]) -> Iterable[tuple[str, ...]]:
    yield of, "", "", "", "", ""
    for name, one in groups.items():
        whole = one["faults"]
        rights = (f"{one['severity_right']}", f"{one['cause_right']}")
        yield name, f"{whole}", f"{one['faults_found']}", _seconds(one["median_delay_s"]), *rights


def _wrong(rows: Sequence[Figures]) -> Iterable[tuple[str, ...]]:
    for row in rows:
        for fault in row["faults"]:
            if fault["delay_s"] is not None and fault["severity_right"] and fault["cause_right"]:
                continue
            told = (fault["severity"] or "–", fault["cause"] or "–")
            severity, cause = (
                text if right or text == "–" else f"{text} (wrong)"
                for text, right in zip(told, (fault["severity_right"], fault["cause_right"]), strict=True)
            )
            found = "**missed**" if fault["delay_s"] is None else _seconds(fault["delay_s"])
            yield row["name"], fault["kind"], fault["moment"], f"{fault['per_s']:.2f}", found, severity, cause


def _bounded(value: float, bound: float) -> str:
    return f"{value:.2f}" if value <= bound else f"**{value:.2f}**"


def _of(part: int, whole: int) -> str:
    share = 100.0 * part / whole if whole else 0.0
    return f"{part} of {whole} ({share:.0f} %)"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |" for cells in lines)
