"""The Markdown report on detection quality, made from the same figures as the JSON document and nothing else."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import rfc3339
from tracehound.scripts.benchmarks.quality.baselines import Baseline, baselines_of
from tracehound.scripts.benchmarks.quality.figures import Figures
from tracehound.scripts.benchmarks.quality.workload import NOMINAL_RATES, PATHS, ROLES, UNLISTED

PRODUCT = "**tracehound**"


@dataclass(frozen=True, slots=True)
class Target:
    """The range we want a figure to lie in; ``path`` leads to it in the figures.

    >>> Target("false alarms", ("alarm_budget_ratio",), 0.5, 2.0).met(3.0)
    False
    """

    what: str
    path: tuple[str, ...]
    low: float = -math.inf
    high: float = math.inf

    def met(self, figure: float | None) -> bool:
        """Whether a figure lies in the range; one that is not known does not."""
        return figure is not None and self.low <= figure <= self.high

    @property
    def range(self) -> str:
        """The range in words."""
        if math.isinf(self.high):
            return f"≥ {self.low:.3g}"
        return f"≤ {self.high:.3g}" if math.isinf(self.low) else f"{self.low:.2g} to {self.high:.2g}"


_TT, _OB, _AUTOMATIC = "train_ticket_30", "online_boutique_22", "automatic"
TARGETS = (
    Target("train_ticket_30: F1 at the alarm", (_TT, _AUTOMATIC, "f1"), low=0.90),
    Target("train_ticket_30: false-positive rate at the alarm", (_TT, _AUTOMATIC, "false_positive_rate"), high=0.002),
    Target("train_ticket_30: average precision, all windows", (_TT, "ap_all"), low=0.90),
    Target("train_ticket_30: visible windows detected, of 14", (_TT, _AUTOMATIC, "windows_detected"), low=14),
    Target("train_ticket_30: median delay, s", (_TT, _AUTOMATIC, "median_delay_s"), high=30.0),
    Target("online_boutique_22: average precision, all windows", (_OB, "ap_all"), low=0.90),
    Target("train_ticket_paths: F1 at the alarm", (PATHS, _AUTOMATIC, "f1"), low=0.985),
    Target("false alarms obtained over nominal", ("alarm_budget_ratio",), low=1 / 1.5, high=1.5),
    Target("CPU µs per execution, features and detectors", ("us_per_execution",), high=15.0),
)


def report(document: Figures, drawn: str) -> str:
    """The report of a complete run; ``drawn`` names the window of the timeline."""
    sections = [
        _head(document),
        _section("Against the targets", [_targets(document)]),
        *(_windows_section(name, document[name]) for name in ROLES if name != PATHS),
        _paths_section(document[PATHS]),
        _section(
            "One window",
            [f"{drawn}, the detected visible window whose delay is the median.", "![Timeline](quality-timeline.png)"],
        ),
        _section("False alarms against the budget", _budget(document)),
        _section("Cost", _cost(document)),
        _section("What was chosen where", _choices()),
        _section("How it is measured", [_METHOD]),
    ]
    return "\n\n".join(sections) + "\n"


def _section(title: str, paragraphs: Iterable[str]) -> str:
    return "\n\n".join([f"## {title}", *paragraphs])


def _head(document: Figures) -> str:
    machine = document["machine"]
    return (
        "# Detection quality\n"
        f"Written by `{document['command']}` from the same figures as `quality.json`; do not edit. "
        f"The run took {document['seconds'] / 60:.1f} minutes on {machine['processor']} "
        f"({machine['cores']} cores, Python {machine['python']})."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    joined = ["| " + " | ".join(cells) + " |" for cells in lines]
    joined[1] = "|" + "---|" * len(head)
    return "\n".join(joined)


def _number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None or math.isnan(value) else format(value, form)


def _at(document: Figures, path: tuple[str, ...]) -> float | None:
    found: Any = document
    for name in path:
        found = found[name]
    return None if found is None else float(found)


def _targets(document: Figures) -> str:
    rows = []
    for target in TARGETS:
        figure = _at(document, target.path)
        met = "not measured" if figure is None else "met" if target.met(figure) else "**missed**"
        rows.append([target.what, target.range, _number(figure, ".4g"), met])
    return table(["figure", "target", "measured", ""], rows)


def _windows_section(name: str, figures: Figures) -> str:
    rows = [_windows_row(PRODUCT, figures)]
    rows += [_windows_row(baseline.name, figures["baselines"][baseline.name]) for baseline in baselines_of(name)]
    intro = (
        f"{ROLES[name].capitalize()}. Base rate of faulty traces: {figures['base_rate']:.3f} by the visible labels, "
        f"{figures['base_rate_all']:.3f} by all windows."
    )
    head = ["detector", "AP visible", "AP all", "best F1", "P", "R", "F1", "FPR", "windows", "median delay"]
    plot = f"![Precision over recall](quality-{name}.svg)"
    shown = [table(head, rows), *_unlisted(name, figures), plot, _published(figures), _injected(figures)]
    return _section(name, [intro, *shown])


def _unlisted(name: str, figures: Figures) -> list[str]:
    """What the figures are without the faults that the labels call normal, if there are any."""
    found = figures.get("unlisted_ignored")
    if found is None:
        return []
    faults = " and ".join(
        f"{fault.type} at {fault.service}, from {rfc3339(fault.inject_s)}" for fault in UNLISTED[name]
    )
    return [
        f"The labels call a fault normal that the recording shows ({faults}; see `workload.UNLISTED`). Where that time "
        f"is not judged, the product has AP visible {_number(found['ap_visible'])}, AP all {_number(found['ap_all'])}, "
        f"F1 {_number(found['f1'])} and a false-positive rate of {_number(found['false_positive_rate'], '.4f')}."
    ]


def _windows_row(name: str, figures: Figures) -> list[str]:
    alarm = figures["automatic"]
    return [
        name,
        *(_number(figures[key]) for key in ("ap_visible", "ap_all", "best_f1")),
        *(_number(alarm[key]) for key in ("precision", "recall", "f1")),
        _number(alarm["false_positive_rate"], ".4f"),
        f"{alarm['windows_detected']} of {alarm['windows']}",
        _seconds(alarm["median_delay_s"]),
    ]


def _published(figures: Figures) -> str:
    published = figures["published"]
    everything = figures["automatic"]["all_windows"]
    causes = ", ".join(f"{count} {name}" for name, count in published["false_alarms_by_signal"].items())
    return (
        f"Of all {everything['windows']} windows, visible or not, {everything['detected']} are detected. "
        f"The product published {published['anomalies']} anomalies: {published['in_windows']} in windows (in "
        f"{published['windows_with_anomaly']} of {published['windows']}, in "
        f"{published['windows_with_anomaly_at_service']} at the injected service, median delay "
        f"{_seconds(published['median_delay_s'])}), {published['in_margins']} in the margins that are not "
        f"judged, {published['in_warm_up']} in the warm-up, {published['in_pauses']} on silence while nothing at all "
        f"was recorded, which is so, and {published['false_alarms']} false alarms"
        f"{f' ({causes})' if causes else ''}: {published['false_alarms_per_application_day']:.2f} a day and "
        f"application in {published['fault_free_application_days']:.2f} fault-free application-days."
    )


def _injected(figures: Figures) -> str:
    rows = [
        [
            *(found["service"], found["fault"], "yes" if found["visible"] else "no"),
            *(str(found["alarming_traces"]), _seconds(found["delay_s"])),
            *(f"{found['anomalies_at_service']} of {found['anomalies']}", _seconds(found["first_anomaly_s"])),
        ]
        for found in figures["injected"]
    ]
    head = ["injected at", "fault", "visible", "alarming traces", "delay", "anomalies there", "first anomaly"]
    return table(head, rows)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def _paths_section(figures: Figures) -> str:
    named = [(f"{PRODUCT}, structure", figures), ("all detectors, alarm budget", figures["all_detectors"])]
    named += [(baseline.name, figures["baselines"][baseline.name]) for baseline in baselines_of(PATHS)]
    rows = [
        [name, *(_number(found[key]) for key in ("ap", "best_f1")), *(_number(value) for value in _alarm(found))]
        for name, found in named
    ]
    intro = (
        f"{ROLES[PATHS].capitalize()}. Base rate of abnormal traces: {figures['base_rate']:.3f}. The times of this "
        "file are synthetic and every trace has its own label, so a number of alarms a day means nothing here: the "
        "first row is the product's structure detector, frozen after the train part, at a false-alarm probability of "
        "1 % per execution. All detectors together look at neighbours as well, which here are normal and abnormal "
        "at random."
    )
    head = ["detector", "AP", "best F1", "P", "R", "F1", "FPR"]
    return _section(PATHS, [intro, table(head, rows), f"![Precision over recall](quality-{PATHS}.svg)"])


def _alarm(figures: Figures) -> list[float]:
    return [figures["automatic"][key] for key in ("precision", "recall", "f1", "false_positive_rate")]


def _budget(document: Figures) -> list[str]:
    observed, published = document["alarm_budget"], document[_TT]["published"]
    rows = []
    for name, found in observed.items():
        interval = found["ratio_interval"]
        rows.append(
            [
                name,
                f"{found['application_days']:.2f}",
                _number(found["nominal_per_application_day"], ".2f"),
                _number(found["expected"], ".1f"),
                str(found["false_alarms"]),
                _number(found["ratio"], ".2f"),
                f"{interval[0]:.2f} to {interval[1]:.2f}",
            ]
        )
    head = ["where", "application-days", "budget a day", "expected", "obtained", "ratio", "95 % interval"]
    about = (
        "Fault-free parts alone: the recording outside [inject − 60 s, inject + 420 s) of every window and after its "
        "warm-up, and simulated systems without faults (eight seeds, together every time of the day). The budget is "
        "raised so far that enough alarms are expected to measure; intervals are exact Poisson intervals. "
        "Alarms of one application within five minutes are one. `alarm_budget_ratio` is that of the recording. "
        "Simulated systems are calmer than the least deviation that alarms at all, so their budget is not used up. At "
        f"the default budget the recording has {published['false_alarms_per_application_day']:.2f} a day and "
        "application: more than the budget, because a deviation beyond the ceiling alarms whatever the budget, and "
        "what happens there between the injected faults is not all normal."
    )
    return [about, table(head, rows)]


def _cost(document: Figures) -> list[str]:
    rows = [
        [
            name,
            f"{document[name]['executions']:,}",
            _number(document[name]["us_per_execution"], ".1f"),
            str(document[name]["refits"]["fits"]),
            _number(document[name]["refits"]["cpu_s"], ".1f"),
        ]
        for name in ROLES
    ]
    about = (
        "CPU microseconds per execution of scoring alone (features, detectors, anomalies; no decoding, no refits), in "
        "calls of the core's own chunk: the median over slices of ten calls of the second half of the recording."
    )
    return [about, table(["recording", "executions", "µs per execution", "refits", "CPU s of all refits"], rows)]


def _shown(value: float | tuple[str, ...]) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}"


def _choices() -> list[str]:
    rows = [
        [f"`{setting.name}`", _shown(getattr(DetectionSettings(), setting.name)), str(setting.metadata["meaning"])]
        for setting in dataclasses.fields(DetectionSettings)
    ]
    return [
        "Settings and constants of the detectors were chosen on `train_ticket_30` and on the train part of "
        "`train_ticket_paths`, by hand; the run uses the defaults that ship, for all recordings alike. "
        "`online_boutique_22` and the test part of `train_ticket_paths` were only reported. The figures of "
        "`train_ticket_30` are therefore optimistic; those of `online_boutique_22` are not.",
        table(["setting", "default", "meaning"], rows),
        "Baselines are what their libraries' users would write first. Searched for, on the labels and so in their "
        "favour, were: the `contamination` of the isolation forest per application (best of six variants), the "
        "features of the isolation forest with novelty (best of six sets on the test part), and the scale of LOF's "
        "scores (best of two).",
        table(["baseline", "what it is", "alarm"], _baseline_rows()),
    ]


def _baseline_rows() -> list[list[str]]:
    named = {
        (baseline.name, baseline.about, _limit(name, baseline)) for name in ROLES for baseline in baselines_of(name)
    }
    return [list(row) for row in sorted(named)]


def _limit(name: str, baseline: Baseline) -> str:
    if baseline.limit is not None:
        return f"above {baseline.limit:g}"
    return f"quantile of the warm-up's traces, nominal rate {NOMINAL_RATES[name]:g}"


_METHOD = """\
The recordings are not part of this repository: `--data` names the folder, and the command says what is missing.
Each recording is scored once, in order, without labels, by `detectors.scoring.scorer.Scorer` through the same function
as `tracehound replay --offline`. A trace's score is the highest of its executions, and it alarms when one of them has a
severity. The first 3,400 traces of `train_ticket_30`, 6,500 of `online_boutique_22` and the train part of
`train_ticket_paths` are learned and not scored.

- *AP visible*: average precision on the labels of the recording, ignored traces left out. *AP all*: on labels of all
  windows: 1 is a trace that starts in [inject, inject + 180 s) with a span of the injected service; other traces of
  that time and of [inject − 60 s, inject) and [inject + 180 s, inject + 420 s) are ignored; the rest is 0.
- *best F1*: of the best threshold in hindsight, to show what a better threshold could gain.
- *P, R, F1, FPR*: at the automatic threshold, on the visible labels: the product's own alarm, for baselines a
  quantile of the warm-up or a fixed limit.
- *windows*: visible windows in which at least 3 traces with a span of the injected service alarm in
  [inject, inject + 180 s). *median delay*: over those, from the injection to the start of the first such trace.
- Labels are weak: a window is marked as a whole, so a trace in it that the fault did not touch counts as missed.
- *anomalies there*: those at the injected service, of all that were published in [inject, inject + 180 s).
- Application-days count minutes that have a trace, times all applications of the recording."""
