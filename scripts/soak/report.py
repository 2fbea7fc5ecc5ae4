"""What was measured, as ``reliability.json`` and as a page for people; each command adds its own figures.

Each part says of which commit and day it is: faults, and parts that are objects, beside their figures; those whose
figures stand at the top, by their names under ``measured``. What stands at the top is of the part written last.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from tracehound.scripts.documents.stored import stamped, store
from tracehound.scripts.soak.faults import FAULTS

NAME: Final = "reliability"
SOAK: Final = "soak"
_SOAK_SENTENCE = "All of those that can be mixed, one after the other under steady load."
_COLUMNS: Final = {
    "runs": "runs",
    "rounds": "rounds",
    "rate": "rate",
    "executions": "executions",
    "lost": "lost",
    "learned_twice": "learned twice",
    "states_differing": "states differing",
    "anomalies": "anomalies",
    "anomalies_missing": "missing",
    "ids_differing": "ids differing",
    "anomalies_repeated": "repeated",
    "refused": "refused",
    "not_buried": "not buried",
}
Part = Literal["faults", "soak", "simulation", "memory", "restart", "cost"]
_FUZZED = (
    "{seconds:,} seconds; {strange:,} records of strangers. The worker and its helpers had at most {peak_mb:,} MB in "
    "RAM (each its own peak, taken together)."
)
_HEAD = """# Reliability

Written by `make soak` (`python -m tracehound.scripts.soak`): worker processes against a real Apache Kafka, faults at
random moments, and then the checker (`scripts/soak/checker.py`): it reads the executions topic, learns it once more
without any interruption, and compares with what the workers left. *Lost* executions were never learned. *States
differing* are applications whose models are not those of the uninterrupted run bit for bit. *Missing* anomalies were
never published, *ids differing* counts anomalies that the uninterrupted run does not know; *repeated* ones came again
with the same id and content, which is allowed. *Refused* records held what is no execution, and are dead letters but
for those *not buried*. What each promise means is in `docs/guarantees.md`.
"""


def update(folder: Path, part: Part, figures: Mapping[str, Any]) -> None:
    """Put the figures of a part, as of this commit and day, beside those that are there already, and write the page
    anew. ``faults`` are merged by name."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{NAME}.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    stamp = stamped()
    new = {
        name: value | stamp if isinstance(value, dict) and name == part else value for name, value in figures.items()
    }
    faults = {fault["name"]: fault for fault in known.get("faults", [])}
    faults |= {fault["name"]: fault | stamp for fault in figures.get("faults", [])}
    order = [*FAULTS, SOAK]
    merged = {**known, **new, "faults": [faults[name] for name in order if name in faults]}
    if any(name not in {part, "faults"} for name in figures):
        merged["measured"] = {**known.get("measured", {}), part: stamp}
    store(file, merged)
    (folder / f"{NAME}.md").write_text(page(merged))


def _origin(stamp: Mapping[str, Any] | None) -> list[str]:
    """The line that says when a part was measured, and on which commit."""
    return [f"Measured on {stamp['date']}, commit `{stamp['commit']}`.", ""] if stamp and "commit" in stamp else []


def page(figures: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    return "\n".join(
        [_HEAD, *_fault_table(figures.get("faults", [])), *_simulation(figures), *_soak(figures), *_sizes(figures)]
    )


def _fault_table(faults: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = [f"| fault | {' | '.join(_COLUMNS.values())} | measured |", "|---|" + "---:|" * len(_COLUMNS) + "---|"]
    notes = []
    for fault in faults:
        cells = (f"{fault[name]:,}" if name in fault else "–" for name in _COLUMNS)
        measured = f"{fault['date']}, `{fault['commit']}`" if "commit" in fault else ""
        lines.append(f"| {fault['name']} | {' | '.join(cells)} | {measured} |")
        known = FAULTS.get(fault["name"])
        notes.append(f"- **{fault['name']}**: {known.sentence if known else _SOAK_SENTENCE}")
        notes += [f"  - {_FUZZED.format_map(fault)}"] if "peak_mb" in fault else []
        notes += [f"  - Without a verdict: {failure.splitlines()[0]}" for failure in fault.get("failures", [])]
    return [*lines, "", *notes, ""]


def _simulation(figures: Mapping[str, Any]) -> list[str]:
    told = figures.get("simulation")
    if told is None:
        return []
    took = ""
    if "wall_s" in told:
        took = f" They took {told['cpu_s']:,} s of CPU time, in {told['wall_s']:,} s."
    return [
        "## Simulation",
        "",
        f"{told['seeds']:,} stories of whole workers on a cluster in memory, in virtual time (`make simulate`): "
        f"{told['violations']:,} ended badly.{took} Of protocols that are broken on purpose "
        f"{told['broken_protocols_found']} of {told['broken_protocols']} were found. What is real in them, and what "
        "became of those that ended badly, is in `docs/guarantees.md`.",
        "",
        *_origin(told),
    ]


def _soak(figures: Mapping[str, Any]) -> list[str]:
    if "soak_minutes" not in figures:
        return []
    most = figures.get("most_per_second")
    half = f" (half of what they manage here: {most:,} a second)" if most else ""
    done = ", ".join(f"{name} {count}×" for name, count in figures["faults_done"].items())
    return [
        "## Soak",
        "",
        f"{figures['soak_minutes']:g} minutes, {figures['workers']} workers, {figures['rate']:,} executions a second"
        f"{half}. Done: {done}.",
        "",
        "Beside them one more worker of the same group ran all the time; rebalances and brokers that were away "
        f"reached it, no fault ended it. Its memory, in the median: {figures['steady_rss_mb_first_third']:g} MB in the "
        f"first third of the time, {figures['steady_rss_mb_middle_third']:g} MB in the middle third, "
        f"{figures['steady_rss_mb_last_third']:g} MB in the last. Growth is counted from the middle third on, since "
        f"models and forests come into being in the first: {figures['rss_growth_mb']:+g} MB. Most of any worker: "
        f"{figures['rss_peak_mb']:g} MB.",
        *_last_hour(figures.get("rss_growth_share_last_hour")),
        "",
        f"Executions not yet committed: {figures['lag_median']:,} in the median, {figures['lag_peak']:,} at most, "
        "0 at the end.",
        "",
        *_origin(figures.get("measured", {}).get("soak")),
    ]


def _last_hour(share: float | None) -> list[str]:
    if share is None:
        return []
    return ["", f"From the first quarter of its last hour to the last quarter it grew by {share:.1%}."]


def _sizes(figures: Mapping[str, Any]) -> list[str]:
    lines = []
    measured = figures.get("measured", {})
    if "restart_seconds_10000_applications" in figures:
        lines += [
            "## Restart with 10,000 applications",
            "",
            "From the start of the process until the first of the waiting executions was scored (until one of each "
            "application was, in parentheses): "
            f"{figures['restart_seconds_10000_applications']:.1f} s ({figures['restart_caught_up_seconds']:.1f} s) "
            f"without `state_dir`, {figures['restart_seconds_10000_applications_state_dir']:.1f} s "
            f"({figures['restart_caught_up_seconds_state_dir']:.1f} s) with it.",
            "",
            *_origin(measured.get("restart")),
        ]
    if "bytes_per_operation_100000" in figures:
        lines += [
            "## Memory of 100,000 operations",
            "",
            f"{figures['bytes_per_operation_100000']:,} bytes for each (application, operation) in the arrays of the "
            f"detectors; the process grew by {figures['rss_bytes_per_operation_100000']:,} bytes for each, with "
            f"{figures['forests_100000']:,} forests of as many applications in it.",
            "",
            *_origin(measured.get("memory")),
        ]
    return lines
