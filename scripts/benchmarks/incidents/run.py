"""Replays a recording, keeps its incidents, and counts how often their cause is right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.incidents.baselines import BASELINES
from tracehound.scripts.benchmarks.incidents.windows import AGES_S, TOP, Inquiry, WindowCause
from tracehound.scripts.benchmarks.incidents.workload import incident_inputs
from tracehound.scripts.benchmarks.quality.workload import DataSet
from tracehound.scripts.recorded.evaluation import EFFECT_S
from tracehound.scripts.recorded.traces import ReadBytes

Figures = dict[str, Any]
"""Numbers, texts and nested figures by name, ready for JSON."""
Place = Callable[[WindowCause], int | None]


@dataclass(frozen=True, slots=True)
class Hits:
    """In how many windows the injected service comes first, and among the first ``TOP``."""

    windows: int
    first: int
    among_top: int

    @classmethod
    def of(cls, causes: Sequence[WindowCause], place: Place = WindowCause.place) -> "Hits":
        """Count windows; one without an answer counts as wrong."""
        places = [found for found in map(place, causes) if found is not None]
        return cls(len(causes), places.count(1), sum(found <= TOP for found in places))

    def figures(self) -> Figures:
        """Shares, NaN where there is no window."""
        whole = self.windows or float("nan")
        return {"windows": self.windows, "cause_top1": self.first / whole, "cause_top3": self.among_top / whole}


def causes_of(data: DataSet, read: ReadBytes | None = None) -> list[WindowCause]:
    """Score a recording in order, once and without labels, and ask its incidents for the cause of each fault."""
    inquiry = Inquiry(IncidentBook(IncidentSettings()), data.windows)
    inquiry.follow(incident_inputs(data, Scorer(DetectionSettings(), InlineFitter()), read))
    return inquiry.causes


def figures_of(causes: Sequence[WindowCause]) -> Figures:
    """Everything that goes into the JSON document under a recording's name; shares are over visible windows."""
    visible = [cause for cause in causes if cause.window.visible]
    told = Hits.of(visible, lambda cause: 1 if cause.told == cause.window.service else None)
    return {
        **Hits.of(visible).figures(),
        "told_top1": told.figures()["cause_top1"],
        "all_windows": Hits.of(causes).figures(),
        "after_s": {f"{age_s:g}": Hits.of(visible, _at(age_s)).figures() for age_s in AGES_S},
        "baselines": {name: Hits.of(visible, _by(name)).figures() for name in BASELINES},
        "faults": [_fault(cause) for cause in causes],
    }


def _at(age_s: float) -> Place:
    return lambda cause: cause.place(age_s)


def _by(baseline: str) -> Place:
    return lambda cause: next((one.baselines[baseline] for one in cause.answers if one.age_s == EFFECT_S), None)


def _fault(cause: WindowCause) -> Figures:
    last = next((one for one in cause.answers if one.age_s == EFFECT_S), None)
    return {
        "injected": cause.window.service,
        "type": cause.window.type,
        "visible": cause.window.visible,
        "first_anomaly_s": cause.first_s,
        "anomalies": last.anomalies if last else 0,
        "reopened": last.reopened if last else 0,
        "place": cause.place(),
        "place_after_s": {f"{one.age_s:g}": one.place for one in cause.answers},
        "suspects": [{"application": one.application, "share": one.share} for one in last.causes] if last else [],
        "why": last.causes[0].why if last and last.causes else "",
        "told": cause.told,
        "told_s": cause.told_s,
    }
