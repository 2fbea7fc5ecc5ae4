"""The Markdown report on suspected causes, made from the same figures as the JSON document and nothing else."""

from collections.abc import Sequence

from tracehound.scripts.benchmarks.incidents.run import Figures
from tracehound.scripts.benchmarks.quality.workload import ROLES

TARGET = 0.9
"""Share of visible windows in which the injected service should come first."""
PRODUCT = "**tracehound**"
_ORDINAL = {1: "first", 2: "second", 3: "third"}


def report(document: Figures) -> str:
    """The report of a complete run."""
    names = [name for name in ROLES if name in document]
    sections = [
        f"# Suspected causes\nWritten by `{document['command']}` from the same figures as `incidents.json`; do not "
        f"edit. The run took {document['seconds'] / 60:.1f} minutes on {document['machine']['processor']} "
        f"({document['machine']['cores']} cores, Python {document['machine']['python']}).",
        _METHOD,
        *(_recording(name, document[name]) for name in names),
    ]
    return "\n\n".join(sections) + "\n"


_METHOD = """Recordings are scored in order, once, without labels; anomalies and progress go through the incident core
as the agent would get them. For each injected fault the incident with most of the anomalies (by score) since a minute
before the injection is asked who is suspected, 180 s after the injection and earlier. A fault without anomalies counts
as wrong. *Told* is the cause in the last event that people got until then. Baselines see the same anomalies of the
same incident, those of this fault alone; the incident itself may carry evidence of faults before. *Visible* faults are
those that the recording marks as having an effect on some feature of the injected service."""


def _recording(name: str, figures: Figures) -> str:
    """The section of one recording."""
    met, all_windows = "met" if figures["cause_top1"] >= TARGET else "**missed**", figures["all_windows"]
    methods = {PRODUCT: figures, **figures["baselines"]}
    told = f"In the last event told it is first in {_share(figures['told_top1'])}."
    return "\n\n".join(
        [
            f"## {name}",
            f"{ROLES[name].capitalize()}. The injected service comes first in {_share(figures['cause_top1'])} of "
            f"{figures['windows']} visible faults (target {_share(TARGET)}: {met}), among the first three in "
            f"{_share(figures['cause_top3'])}. {told} Of all {all_windows['windows']} faults, visible or not: "
            f"{_share(all_windows['cause_top1'])} and {_share(all_windows['cause_top3'])}.",
            _table(
                ("180 s after the injection", "first", "among the first three"),
                [
                    (method, _share(found["cause_top1"]), _share(found["cause_top3"]))
                    for method, found in methods.items()
                ],
            ),
            _table(
                ("seconds after the injection", "first", "among the first three"),
                [
                    (age, _share(found["cause_top1"]), _share(found["cause_top3"]))
                    for age, found in figures["after_s"].items()
                ],
            ),
            _table(
                ("injected at", "fault", "visible", "first anomaly", "anomalies", "place", "suspects", "told"),
                [_fault(fault) for fault in figures["faults"]],
            ),
        ]
    )


def _fault(fault: Figures) -> tuple[str, ...]:
    suspects = [f"{one['application']} {one['share']:.2f}" for one in fault["suspects"]]
    first = "–" if fault["first_anomaly_s"] is None else f"{fault['first_anomaly_s']:.0f} s"
    told = "–" if fault["told"] is None else f"{fault['told']} after {fault['told_s']:.0f} s"
    return (
        fault["injected"],
        fault["type"],
        "yes" if fault["visible"] else "no",
        first,
        f"{fault['anomalies']}{' (reopened)' if fault['reopened'] else ''}",
        "none" if fault["place"] is None else _ORDINAL.get(fault["place"], f"{fault['place']}th"),
        ", ".join(suspects) or "–",
        told,
    )


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
