"""The table of what `tracehound check` says of labelled recordings."""

from typing import Any, Final

from tracehound.scripts.documents.measured import Measured, number, table

_HEAD: Final = (
    *(
        "recording, list of",
        "incidents",
        "alerts",
        "verdict",
        "of the time incident / alerted",
        "precision / recall / F1",
    ),
    *("F1 of flagging all", "AUC", "other buckets"),
)


def check(measured: Measured) -> str:
    """The verdict of each recording, beside what shows of its faults and beside all that were injected."""
    found = measured.of("check")
    rows, reasons = [], list[str]()
    for name, recording in found["recordings"].items():
        for listed, one in recording["lists"].items():
            rows.append(_row(f"{name}, {listed}", recording["alerts"], one, found["bucket_s"]))
            reasons += [f"- {name}, {listed}: {reason}" for reason in one["reasons"]]
    watched = ", ".join(f"{one['minutes']} of {name}" for name, one in found["recordings"].items())
    said = (
        f"Minutes that were watched, put end to end: {watched}. Buckets of {found['bucket_s']:g} s, "
        "as the command cuts unless told otherwise. "
    )
    parts = [table(_HEAD, rows), "\n".join(reasons), said + measured.origin("check", "make bench-check")]
    return "\n\n".join(part for part in parts if part)


def _row(name: str, alerts: int, one: dict[str, Any], bucket_s: float) -> list[str]:
    [asked] = [size for size in one["sizes"] if size["bucket_s"] == bucket_s]
    others = [f"{size['bucket_s']:g} s {size['verdict']}" for size in one["sizes"] if size is not asked]
    return [
        *(name, str(one["incidents"]), str(alerts), f"**{one['verdict']}**"),
        f"{asked['prevalence']:.1%} / {asked['alerted_rate']:.1%}",
        " / ".join(number(asked[figure], 2) for figure in ("precision", "recall", "f1")),
        *(number(asked["floor"], 2), number(asked["auc"], 2), ", ".join(others)),
    ]
