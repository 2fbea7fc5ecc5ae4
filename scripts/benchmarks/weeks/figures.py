"""Figures of many judged lives, ready for JSON."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from tracehound.detectors.charts.signals import CALLS, CHARTS, QUEUE
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.ensemble.registry import SINGLE, STRUCTURE, STRUCTURE_CHANGE
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.deviation import ERROR_TYPE, TEMPLATE_RATE
from tracehound.detectors.windows.findings import SIGNALS
from tracehound.schemas.anomaly import AnomalyKind
from tracehound.scripts.benchmarks.quality.budget import episodes, poisson_interval
from tracehound.scripts.benchmarks.weeks.judging import FaultVerdict, Judgement, is_grave

MOST_ANOMALIES, MOST_MAJOR = 0.75, 0.1
"""A day and application: what a life may have where nothing is wrong."""
AT_LEAST_PER_S = 1.0
"""Delays are told apart for faults that befall as many executions a second."""
Figures = dict[str, Any]


def figures_of(rows: Sequence[Figures], settings: DetectionSettings) -> Figures:
    """Everything that is reported of the lives of one group of seeds; ``rows`` are those of ``row_of``."""
    faults = [fault for row in rows for fault in row["faults"]]
    false_days = sum(row["fault_days"] for row in rows)
    days = sum(row["application_days"] for row in rows)
    lives = len(rows) or 1
    return {
        "scenarios": len(rows),
        "application_days": days,
        "within_budget": sum(row["anomalies_per_day"] <= MOST_ANOMALIES for row in rows),
        "no_major": sum(row["major_per_day"] <= MOST_MAJOR for row in rows),
        "mean_anomalies_per_day": sum(row["anomalies_per_day"] for row in rows) / lives,
        "mean_major_per_day": sum(row["major_per_day"] for row in rows) / lives,
        "incidents_per_day": sum(row["incidents"] for row in rows) / (days or 1.0),
        **_of_faults(faults),
        "false_beside_faults_per_day": sum(row["false_beside_faults"] for row in rows) / (false_days or 1.0),
        "recoveries_told": sum(bool(fault["told_of_recovery"]) for fault in faults),
        "budget_ratio": _budget_ratio(rows, days, settings),
        "by_fault": _grouped(faults, "kind"),
        "by_moment": _grouped(faults, "moment"),
        "rows": list(rows),
    }


def _of_faults(faults: Sequence[Figures]) -> Figures:
    delays = [fault["delay_s"] for fault in faults if fault["delay_s"] is not None]
    often = [one["delay_s"] for one in faults if one["delay_s"] is not None and one["per_s"] >= AT_LEAST_PER_S]
    return {
        "faults": len(faults),
        "faults_found": len(delays),
        "median_delay_s": median(delays) if delays else None,
        "median_delay_at_one_per_s": median(often) if often else None,
        "severity_right": sum(fault["severity_right"] for fault in faults),
        "cause_right": sum(fault["cause_right"] for fault in faults),
    }


def _grouped(faults: Sequence[Figures], of: str) -> dict[str, Figures]:
    groups: defaultdict[str, list[Figures]] = defaultdict(list)
    for fault in faults:
        groups[fault[of]].append(fault)
    return {name: _of_faults(groups[name]) for name in sorted(groups)}


def row_of(judgement: Judgement) -> Figures:
    """All that is reported of one life, ready for JSON."""
    kinds = ("all", *sorted({event.data.kind for event in judgement.quiet}))
    told = {kind: [event for event in judgement.quiet if kind in ("all", event.data.kind)] for kind in kinds}
    said = Counter(f"{event.data.severity} {event.data.signal}" for event in judgement.quiet)
    return {
        "name": judgement.name,
        "application_days": judgement.days,
        "executions": judgement.executions,
        "anomalies_per_day": judgement.anomalies_per_day,
        "major_per_day": judgement.major_per_day,
        "incidents": len(judgement.incidents),
        "incidents_per_day": len(judgement.incidents) / judgement.days,
        "fault_days": judgement.fault_days,
        "false_beside_faults": len(judgement.false),
        "alarms": {kind: episodes(events) for kind, events in told.items()},
        "major": {kind: sum(is_grave(event.data.severity) for event in events) for kind, events in told.items()},
        "said": dict(said.most_common(4)),
        "faults": [_fault(verdict) for verdict in judgement.verdicts],
    }


def _fault(verdict: FaultVerdict) -> Figures:
    fault, gravest = verdict.fault, verdict.gravest
    return {
        "kind": fault.kind,
        "moment": fault.moment,
        "operations": list(fault.operations),
        "per_s": fault.per_s,
        "lasts_s": fault.end_s - fault.start_s,
        "delay_s": verdict.delay_s,
        "told_as": None if gravest is None else gravest.kind,
        "severity": None if gravest is None else gravest.severity,
        "severity_right": verdict.severity_right,
        "cause": verdict.cause,
        "cause_right": verdict.cause_right,
        "beside": len(verdict.beside),
        "told_of_recovery": len(verdict.recovery),
    }


def _budget_ratio(rows: Sequence[Figures], days: float, settings: DetectionSettings) -> dict[str, Figures]:
    """Alarms obtained over those that the budget allows each kind of detector, where nothing was wrong."""
    ratios = {}
    for kind, share in (*_shares(settings).items(), ("all", 1.0)):
        obtained = sum(row["alarms"].get(kind, 0) for row in rows)
        expected = settings.alarm_budget * share * days
        low, high = poisson_interval(obtained)
        ratios[kind] = {
            "obtained": obtained,
            "expected": expected,
            "ratio": obtained / (expected or 1.0),
            "ratio_interval": [low / (expected or 1.0), high / (expected or 1.0)],
            "major": sum(row["major"].get(kind, 0) for row in rows),
        }
    return ratios


def _shares(settings: DetectionSettings) -> Mapping[AnomalyKind, float]:
    """The part of the alarm budget that the channels of each kind of anomaly have together."""
    ensemble = Ensemble(settings)
    kinds: dict[str, AnomalyKind] = {signal.name: signal.kind for signal in (*CHARTS, *CALLS, QUEUE)}
    kinds |= {signal.name: signal.kind for signal in SIGNALS} | {bank.name: bank.kind for bank in ensemble.detectors}
    kinds |= {
        SINGLE: "latency",
        STRUCTURE: "structure",
        STRUCTURE_CHANGE: "structure",
        ERROR_TYPE: "errors",
        TEMPLATE_RATE: "traffic",
    }
    total = sum(channel.weight for channel in ensemble.channels)
    shares: defaultdict[AnomalyKind, float] = defaultdict(float)
    for channel in ensemble.channels:
        shares[kinds[channel.name]] += channel.weight / total
    return dict(sorted(shares.items()))
