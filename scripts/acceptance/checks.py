"""The checks of one timeline, and what they come to: PASS, EXCLUDE or INSUFFICIENT."""

import math
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from tracehound.scripts.acceptance.timeline import Timeline

Verdict = Literal["PASS", "EXCLUDE", "INSUFFICIENT", "UNSTABLE"]

RANDOM_AUC: Final = 0.5
FLOOR_MARGIN: Final = 0.05
SATURATED_RECALL: Final = 0.95
ALERTED_RATE_PRODUCT: Final = 2.0
FEWEST_SCORES: Final = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was measured, what it is held against, and whether that excludes; None: it could not be made."""

    name: str
    section: str
    value: str
    reference: str
    excludes: bool | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one way to cut time. Shares are in [0, 1]; ``auc`` is None where scores order nothing."""

    verdict: Verdict
    bucket_s: float
    buckets: int
    prevalence: float
    alerted_rate: float
    precision: float
    recall: float
    f1: float
    floor: float
    auc: float | None
    checks: list[Check] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def judge(timeline: Timeline) -> Judgement:
    """Make all checks."""
    incident, alerted = timeline.incident, timeline.alerted
    prevalence, rate = float(incident.mean()), float(alerted.mean())
    hits = int((incident & alerted).sum())
    precision = hits / int(alerted.sum()) if alerted.any() else 0.0
    recall = hits / int(incident.sum()) if incident.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    floor = 2 * prevalence / (1 + prevalence)
    auc = _auc(incident, timeline.score)

    both = 0 < prevalence < 1
    checks, reasons = list[Check](), list[str]()

    def check(name: str, section: str, value: str, reference: str, excludes: bool | None, why: str) -> None:
        checks.append(Check(name, section, value, reference, excludes))
        if excludes:
            reasons.append(why)

    check(
        *("Beats flagging everything", "2, 7", f"F1 {f1:.3f}", f"above {floor:.3f}"),
        f1 <= floor if both else None,
        f"F1 {f1:.3f} is not above {floor:.3f}: to flag every bucket would have been as good.",
    )
    near = (1 - FLOOR_MARGIN) * floor <= f1 <= (1 + FLOOR_MARGIN) * floor
    check(
        *("Flags not everything", "8b", f"recall {recall:.3f}"),
        f"below {SATURATED_RECALL} or F1 not within {FLOOR_MARGIN:.0%} of {floor:.3f}",
        near and recall >= SATURATED_RECALL if both else None,
        "It flags nearly everything: its F1 is that of flagging all, with nearly all incidents in it.",
    )
    bar = math.sqrt(ALERTED_RATE_PRODUCT * prevalence)
    check(
        *("Alerts not far more often than there are incidents", "8b", f"{rate:.3f} of the time", f"below {bar:.3f}"),
        rate**2 >= ALERTED_RATE_PRODUCT * prevalence if both else None,
        f"It alerts on {rate:.1%} of the time while {prevalence:.1%} was an incident.",
    )
    check(
        *("Says something", "8", f"{int(alerted.sum())} of {len(alerted)} buckets", "neither none nor all"),
        not alerted.any() or bool(alerted.all()),
        "It alerts always." if alerted.any() else "It never alerts.",
    )
    check(
        *("Scores order better than chance", "6, 8a"),
        *("not to be had" if auc is None else f"AUC {auc:.3f}", f"above {RANDOM_AUC}"),
        None if auc is None else auc <= RANDOM_AUC,
        f"An AUC of {auc or 0:.3f} is not above chance.",
    )
    if not both:
        reasons = ["No bucket was an incident." if not incident.any() else "Every bucket was an incident."]
        verdict: Verdict = "INSUFFICIENT"
    else:
        verdict = "EXCLUDE" if reasons else "PASS"
    return Judgement(
        *(verdict, timeline.bucket_s, len(incident), prevalence, rate, precision, recall, f1, floor, auc),
        *(checks, reasons),
    )


def _auc(incident: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> float | None:
    """None where there is one class only, or where the scores are decisions in disguise."""
    if incident.all() or not incident.any() or len(np.unique(score)) < FEWEST_SCORES:
        return None
    ranks, inside = (
        rankdata(score),
        int(incident.sum()),
    )  # the share of pairs in order, ties count half: Mann and Whitney
    in_order = float(ranks[incident].sum()) - inside * (inside + 1) / 2
    return in_order / (inside * (len(incident) - inside))
