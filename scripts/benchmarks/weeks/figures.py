"""Figures of many judged lives, ready for JSON."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from tracehound.detectors.charts.signals import CALLS, CHARTS
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.ensemble.registry import SINGLE, STRUCTURE, STRUCTURE_CHANGE
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.deviation import ERROR_TYPE
from tracehound.detectors.windows.findings import SIGNALS
from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind
from tracehound.scripts.benchmarks.quality.budget import episodes, poisson_interval
from tracehound.scripts.benchmarks.weeks.judging import FaultVerdict, Judgement, is_grave

MOST_ANOMALIES, MOST_MAJOR = 0.75, 0.1
"""A day and application: what a life may have where nothing is wrong."""
AT_LEAST_PER_S = 1.0
"""Delays are told apart for faults that befall as many executions a second."""
Figures = dict[str, Any]


def figures_of(judgements: Sequence[Judgement], settings: DetectionSettings) -> Figures:
    """Everything that is reported of the lives of one group of seeds."""
    verdicts = [verdict for judgement in judgements for verdict in judgement.verdicts]
    false_days = sum(judgement.fault_days for judgement in judgements)
    days = sum(judgement.days for judgement in judgements)
    lives = len(judgements) or 1
    return {
        "scenarios": len(judgements),
        "application_days": days,
        "within_budget": sum(one.anomalies_per_day <= MOST_ANOMALIES for one in judgements),
        "no_major": sum(one.major_per_day <= MOST_MAJOR for one in judgements),
        "mean_anomalies_per_day": sum(one.anomalies_per_day for one in judgements) / lives,
        "mean_major_per_day": sum(one.major_per_day for one in judgements) / lives,
        "incidents_per_day": sum(len(one.incidents) for one in judgements) / (days or 1.0),
        **_of_faults(verdicts),
        "false_beside_faults_per_day": sum(len(one.false) for one in judgements) / (false_days or 1.0),
        "recoveries_told": sum(bool(verdict.recovery) for verdict in verdicts),
        "budget_ratio": _budget_ratio(judgements, settings),
        "by_fault": _grouped(verdicts, lambda verdict: verdict.fault.kind),
        "by_moment": _grouped(verdicts, lambda verdict: verdict.fault.moment),
        "rows": [_row(judgement) for judgement in judgements],
    }


def _of_faults(verdicts: Sequence[FaultVerdict]) -> Figures:
    delays = [verdict.delay_s for verdict in verdicts if verdict.delay_s is not None]
    often = [one.delay_s for one in verdicts if one.delay_s is not None and one.fault.per_s >= AT_LEAST_PER_S]
    return {
        "faults": len(verdicts),
        "faults_found": len(delays),
        "median_delay_s": median(delays) if delays else None,
        "median_delay_at_one_per_s": median(often) if often else None,
        "severity_right": sum(verdict.severity_right for verdict in verdicts),
        "cause_right": sum(verdict.cause_right for verdict in verdicts),
    }


def _grouped(verdicts: Sequence[FaultVerdict], of: "Any") -> dict[str, Figures]:
    groups: defaultdict[str, list[FaultVerdict]] = defaultdict(list)
    for verdict in verdicts:
        groups[of(verdict)].append(verdict)
    return {name: _of_faults(groups[name]) for name in sorted(groups)}


def _row(judgement: Judgement) -> Figures:
    said = Counter(f"{event.data.severity} {event.data.signal}" for event in judgement.quiet)
    return {
        "name": judgement.name,
        "application_days": judgement.days,
        "executions": judgement.executions,
        "anomalies_per_day": judgement.anomalies_per_day,
        "major_per_day": judgement.major_per_day,
        "incidents_per_day": len(judgement.incidents) / judgement.days,
        "false_beside_faults": len(judgement.false),
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


def _budget_ratio(judgements: Sequence[Judgement], settings: DetectionSettings) -> dict[str, Figures]:
    """Alarms obtained over those that the budget allows each kind of detector, where nothing was wrong."""
    days = sum(judgement.days for judgement in judgements)
    shares = _shares(settings)
    ratios = {}
    for kind, share in (*shares.items(), ("all", 1.0)):
        obtained = sum(episodes(_of_kind(judgement.quiet, kind)) for judgement in judgements)
        expected = settings.alarm_budget * share * days
        low, high = poisson_interval(obtained)
        ratios[kind] = {
            "obtained": obtained,
            "expected": expected,
            "ratio": obtained / (expected or 1.0),
            "ratio_interval": [low / (expected or 1.0), high / (expected or 1.0)],
            "major": sum(is_grave(event.data.severity) for one in judgements for event in _of_kind(one.quiet, kind)),
        }
    return ratios


def _of_kind(events: Iterable[AnomalyEvent], kind: str) -> list[AnomalyEvent]:
    return [event for event in events if kind in ("all", event.data.kind)]


def _shares(settings: DetectionSettings) -> Mapping[AnomalyKind, float]:
    """The part of the alarm budget that the channels of each kind of anomaly have together."""
    ensemble = Ensemble(settings)
    kinds: dict[str, AnomalyKind] = {signal.name: signal.kind for signal in (*CHARTS, *CALLS)}
    kinds |= {signal.name: signal.kind for signal in SIGNALS} | {bank.name: bank.kind for bank in ensemble.detectors}
    kinds |= {SINGLE: "latency", STRUCTURE: "structure", STRUCTURE_CHANGE: "structure", ERROR_TYPE: "errors"}
    total = sum(channel.weight for channel in ensemble.channels)
    shares: defaultdict[AnomalyKind, float] = defaultdict(float)
    for channel in ensemble.channels:
        shares[kinds[channel.name]] += channel.weight / total
    return dict(sorted(shares.items()))
