"""Faults that are planted into ordinary lives: what they do, when, and who may rightly say what about them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tracehound.schemas.anomaly import AnomalyKind, Severity
from tracehound.scripts.benchmarks.weeks.curves import DAY_S, HOUR_S, Between, Times, Values, epoch
from tracehound.scripts.benchmarks.weeks.life import Draw, Happening, Life, Moment, Operation, Step
from tracehound.scripts.benchmarks.weeks.workload import Change
from tracehound.scripts.simulator.truth import OWN_CODE

FaultKind = Literal[
    "slow_dependency",
    "slow_code",
    "lock_contention",
    "pool_saturation",
    "partition_saturation",
    "error_burst",
    "new_error_type",
    "dns_outage",
    "cascading_failure",
    "n_plus_one",
    "lost_call",
    "cache_corruption",
    "silence",
    "traffic_drop",
    "traffic_surge",
]
GRID_S = 60.0
LEAST_EXECUTIONS = 80.0
"""Executions, in the mean, that a fault befalls; it lasts as long as that takes, or is planted elsewhere."""
LASTS_S: Final = (1_800.0, 3_600.0, 7_200.0, 10_800.0)
AFTER_RELEASE_S = 300.0
"""A fault right after a release begins so much later: the release has its slow first requests."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may rightly say what: ``right`` kinds detect a fault, ``beside`` only follow from it."""

    right: tuple[AnomalyKind, ...]
    beside: tuple[AnomalyKind, ...] = ()
    severities: tuple[Severity, ...] = ("minor", "major")


_SLOW: Final = Rule(("latency",), ("outlier", "saturation"), ("minor", "major", "critical"))
_GONE: Final = Rule(("traffic",), ("outlier",), ("major", "critical"))
RULES: Final[Mapping[FaultKind, Rule]] = {
    "slow_dependency": _SLOW,
    "slow_code": _SLOW,
    "lock_contention": Rule(("latency", "outlier"), ("saturation",)),
    "pool_saturation": Rule(("latency", "saturation"), ("outlier",), ("minor", "major", "critical")),
    "partition_saturation": Rule(("latency",), ("outlier", "saturation")),
    "error_burst": Rule(("errors",), ("outlier",), ("major", "critical")),
    "new_error_type": Rule(("errors",), ("outlier",)),
    "dns_outage": Rule(("errors",), ("outlier", "structure", "latency"), ("major", "critical")),
    "cascading_failure": Rule(("latency", "errors"), ("outlier", "saturation", "traffic"), ("major", "critical")),
    "n_plus_one": Rule(("structure",), ("latency", "outlier", "saturation")),
    "lost_call": Rule(("structure",), ("outlier",)),
    "cache_corruption": Rule(("structure",), ("outlier", "errors")),
    "silence": _GONE,
    "traffic_drop": Rule(("traffic",), ("outlier",), ("minor", "major")),
    "traffic_surge": Rule(("traffic", "saturation"), ("outlier",), ("minor", "major")),
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault of ``kind`` from ``start_s`` to before ``end_s``, epoch seconds, at a moment of its life.

    ``operations`` are those that it befalls, () for the whole application; ``causes`` what a person would name, in
    the words of contributions; ``per_s`` how many executions a second it befalls in the mean.
    """

    kind: FaultKind
    moment: Moment
    start_s: float
    end_s: float
    operations: tuple[str, ...]
    causes: tuple[str, ...]
    per_s: float
    change: Change

    @property
    def rule(self) -> Rule:
        """Who may rightly say what about it."""
        return RULES[self.kind]


@dataclass(frozen=True, slots=True)
class _Target:
    """What a fault is aimed at: an operation, and one of its steps where it has any."""

    operation: Operation
    step: Step | None


class Planting:
    """Plants faults into one life after the other; kinds that were planted least so far come first."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._planted: Counter[FaultKind] = Counter()

    def plant(self, name: str, life: Life) -> list[Planted]:
        """A fault on each of the ``fault_days`` but the last, as far as the life offers something for one."""
        draw = Draw(f"faults of {name}", self._seed)
        planted: list[Planted] = []
        for number, moment in enumerate(_moments(life)):
            day_s = epoch(life.start, life.zone) + (life.days + number) * DAY_S
            used = {fault.kind for fault in planted}
            order = {kind: (kind in used, self._planted[kind], draw.between(0.0, 1.0)) for kind in RULES}
            kinds = sorted(RULES, key=order.__getitem__)
            fault = next(filter(None, (_fault(life, draw, kind, moment, day_s) for kind in kinds)), None)
            if fault is not None:
                self._planted[fault.kind] += 1
                planted.append(fault)
        return planted


def _moments(life: Life) -> tuple[Moment, ...]:
    return life.moments * (2 if len(life.moments) <= 2 else 1)


def fault_days(life: Life) -> int:
    """Days that follow the judged ones, each with a fault."""
    return len(_moments(life))


def _fault(life: Life, draw: Draw, kind: FaultKind, moment: Moment, day_s: float) -> Planted | None:
    """A fault of a kind on a day; None where the life offers nothing for it."""
    at_s = day_s + GRID_S * np.arange(0.0, DAY_S / GRID_S)
    rates = [np.maximum(flow.rate(at_s), 0.0) * life.delivery.kept(at_s) for flow in life.flows]
    total = np.sum(rates, axis=0)
    start_s, moment = _start(life, draw, moment, at_s, total)
    place = int((start_s - day_s) / GRID_S)
    asked = [number for number, flow in enumerate(life.flows) if not flow.even] or list(range(len(life.flows)))
    if kind in ("silence", "traffic_drop", "traffic_surge"):
        usual = np.sum([rates[number][place:] for number in asked], axis=0)
        return _of_traffic(draw, kind, moment, start_s, usual, tuple(asked))
    busy = max(asked, key=lambda number: float(rates[number][place : place + 10].sum()))
    operations = life.flows[busy].operations
    weights = np.array([one.weight for one in operations])
    target = _target(draw, kind, operations)
    if target is None:
        return None
    share = 1.0 if kind in _OF_ALL else target.operation.weight / float(weights.sum())
    if kind in _OF_ALL and target.step is not None:
        hit = sum(one.weight for one in operations if any(step.peer == target.step.peer for step in one.steps))
        share = hit / float(weights.sum())
    expected = np.cumsum(rates[busy][place:] * share * GRID_S)
    lasts_s = next(
        (one for one in LASTS_S if expected[min(len(expected), int(one / GRID_S)) - 1] >= LEAST_EXECUTIONS), None
    )
    if lasts_s is None:
        return None
    end_s = start_s + lasts_s
    happenings, causes = _HAPPENINGS[kind](draw, target, Between(start_s, end_s))
    hit_operations = () if kind in _OF_ALL else (target.operation.name,)
    per_s = float(expected[min(len(expected), int(lasts_s / GRID_S)) - 1]) / lasts_s
    traffic = draw.between(1.2, 1.8) if kind == "cascading_failure" else 1.0
    change = Change(start_s, end_s, happenings, traffic, (busy,))
    return Planted(kind, moment, start_s, end_s, hit_operations, causes, per_s, change)


def _start(life: Life, draw: Draw, moment: Moment, at_s: Times, total: Values) -> tuple[float, Moment]:
    """When a fault begins, on a whole minute and some seconds; the busiest time where there is no such moment."""
    later = 60.0 * draw.between(0.0, 1.0)
    usable = len(at_s) - int(3.0 * HOUR_S / GRID_S)
    early = total[:usable]
    alive = early * HOUR_S >= LEAST_EXECUTIONS
    if moment == "holiday":
        return float(at_s[int(draw.between(9.0, 14.0) * HOUR_S / GRID_S)]) + later, moment
    if moment == "night" and alive.any():
        quiet = np.flatnonzero(alive & (early <= np.quantile(early[alive], 0.15)))
        return float(at_s[quiet[int(draw.between(0, len(quiet)))]]) + later, moment
    if moment == "ramp":
        minutes = 8
        rise = np.zeros(usable)
        rise[:-minutes] = (early[minutes:] - early[:-minutes]) * (early[minutes:] > 0.2 * total.max())
        if rise.max() > 0.0:
            return float(at_s[int(np.argmax(rise)) + 3]) + later, moment
    if moment == "batch":
        runs = [flow.rate(at_s[:usable]) > 0.0 for flow in life.flows if flow.batch]
        runs += [one.when(at_s[:usable]) > 0.5 for one in life.happenings]
        held = np.any(runs, axis=0) & (early > 0.0) if runs else np.zeros(usable, np.bool_)
        begins = np.flatnonzero(held & ~np.concatenate([[False], held[:-1]]))
        if len(begins) and not held.all():
            return float(at_s[begins[int(draw.between(0, len(begins)))]]) + later, moment
    if moment == "release" and life.releases.every_s < DAY_S:
        since = (at_s[:usable] - epoch(life.start, life.zone) - AFTER_RELEASE_S) % life.releases.every_s
        fresh = np.flatnonzero((since < GRID_S) & (early >= np.quantile(early, 0.5)))
        if len(fresh):
            return float(at_s[fresh[int(draw.between(0, len(fresh)))]]) + later, moment
    busy = np.flatnonzero(early >= np.quantile(early, 0.9))
    return float(at_s[busy[int(draw.between(0, len(busy)))]]) + later, "busy"


def _of_traffic(
    draw: Draw, kind: FaultKind, moment: Moment, start_s: float, total: Values, flows: tuple[int, ...]
) -> Planted | None:
    """Traffic of people, not of probes, stops, drops or surges for half an hour, where its course would show it."""
    lasts_s = LASTS_S[0]
    usual = total[: int(lasts_s / GRID_S)]
    per_s = float(usual.mean())
    if usual.min() < (0.5 if kind == "traffic_drop" else 0.1):
        return None
    factor, cause = 0.0, "missing executions"
    if kind == "traffic_drop":
        factor = draw.between(0.1, 0.35)
    if kind == "traffic_surge":
        factor, cause = draw.between(3.0, 6.0), "additional executions"
    end_s = start_s + lasts_s
    causes = (cause, "executions in progress") if kind == "traffic_surge" else (cause,)
    return Planted(kind, moment, start_s, end_s, (), causes, per_s, Change(start_s, end_s, (), factor, flows))


def _target(draw: Draw, kind: FaultKind, operations: Sequence[Operation]) -> _Target | None:
    """One of the operations, the more used the likelier, that has what the fault needs."""
    needs = _NEEDS.get(kind)
    fit = [one for one in operations if one.failing < 0.5 and (needs is None or any(map(needs, one.steps)))]
    if not fit:
        return None
    weights = np.cumsum([one.weight for one in fit])
    operation = fit[int(np.searchsorted(weights, draw.between(0.0, float(weights[-1]))))]
    steps = [step for step in operation.steps if needs is None or needs(step)]
    return _Target(operation, steps[draw.whole(0, len(steps) - 1)] if needs is not None else None)


def _is_there(step: Step) -> bool:
    return step.chance == 1.0


def _is_peer(step: Step) -> bool:
    return step.peer is not None


def _is_query(step: Step) -> bool:
    return step.kind == "db"


_NEEDS: Final[Mapping[FaultKind, Callable[[Step], bool]]] = {
    "slow_dependency": _is_peer,
    "dns_outage": _is_peer,
    "cascading_failure": _is_peer,
    "n_plus_one": _is_query,
    "lost_call": _is_there,
    "cache_corruption": _is_there,
}
_OF_ALL: Final = frozenset(
    ("slow_dependency", "dns_outage", "cascading_failure", "pool_saturation", "partition_saturation")
)
Made = tuple[tuple[Happening, ...], tuple[str, ...]]


def _called(step: Step | None) -> tuple[str, ...]:
    assert step is not None
    return (step.name, f"calls to {step.peer}")


def _slow_dependency(draw: Draw, target: _Target, when: Between) -> Made:
    assert target.step is not None
    factor = draw.between(4.0, 12.0)
    return (Happening(when, steps=factor, peer=target.step.peer),), _called(target.step)


def _slow_code(draw: Draw, target: _Target, when: Between) -> Made:
    return (Happening(when, own=draw.between(3.0, 10.0), operation=target.operation.name),), (OWN_CODE,)


def _lock_contention(draw: Draw, target: _Target, when: Between) -> Made:
    waits = draw.between(20.0, 60.0) * target.operation.own_ms + 200.0
    happening = Happening(when, own_more_ms=waits, hits=draw.between(0.3, 0.7), operation=target.operation.name)
    return (happening,), (OWN_CODE,)


def _pool_saturation(draw: Draw, target: _Target, when: Between) -> Made:  # noqa: ARG001 (it befalls all)
    return (Happening(when, own_more_ms=draw.about(300.0, 2_000.0), hits=0.8),), (OWN_CODE, "executions in progress")


def _partition_saturation(draw: Draw, target: _Target, when: Between) -> Made:  # noqa: ARG001 (it befalls all)
    hits = 1.0 / draw.whole(3, 6)
    return (Happening(when, own=draw.between(8.0, 20.0), own_more_ms=200.0, hits=hits),), (OWN_CODE,)


def _error_burst(draw: Draw, target: _Target, when: Between) -> Made:
    happening = Happening(when, failing=draw.between(0.3, 0.9), operation=target.operation.name)
    return (happening,), (happening.error, "error rate")


def _new_error_type(draw: Draw, target: _Target, when: Between) -> Made:
    name = "UnknownCurrencyError"
    happening = Happening(when, failing=draw.between(0.05, 0.2), error=name, operation=target.operation.name)
    return (happening,), (name, "error rate")


def _dns_outage(draw: Draw, target: _Target, when: Between) -> Made:  # noqa: ARG001 (there is nothing to draw)
    assert target.step is not None
    name = "NameResolutionError"
    happening = Happening(when, failing=1.0, skipping=1.0, error=name, peer=target.step.peer)
    return (happening,), (name, "error rate", *_called(target.step))


def _cascading_failure(draw: Draw, target: _Target, when: Between) -> Made:
    assert target.step is not None
    slow = Happening(when, steps=draw.between(5.0, 15.0), peer=target.step.peer, failing=draw.between(0.2, 0.5))
    return (slow,), (slow.error, "error rate", *_called(target.step))


def _n_plus_one(draw: Draw, target: _Target, when: Between) -> Made:
    assert target.step is not None
    happening = Happening(when, extra=target.step, repeats=draw.whole(8, 40), operation=target.operation.name)
    return (happening,), _called(target.step)


def _lost_call(draw: Draw, target: _Target, when: Between) -> Made:
    assert target.step is not None
    skipping = draw.between(0.5, 1.0)
    return (Happening(when, skipping=skipping, step=target.step.name, operation=target.operation.name),), _called(
        target.step
    )


def _cache_corruption(draw: Draw, target: _Target, when: Between) -> Made:
    """Wrong results, and not slow ones: what follows from them is something else."""
    assert target.step is not None
    instead = Step(f"{target.step.name} of nobody", 0.5 * target.step.ms, target.step.kind, peer=target.step.peer)
    share = draw.between(0.4, 1.0)
    happening = Happening(
        when, skipping=1.0, step=target.step.name, operation=target.operation.name, hits=share, extra=instead
    )
    return (happening,), (*_called(target.step), instead.name)


_HAPPENINGS: Final[Mapping[FaultKind, Callable[[Draw, _Target, Between], Made]]] = {
    "slow_dependency": _slow_dependency,
    "slow_code": _slow_code,
    "lock_contention": _lock_contention,
    "pool_saturation": _pool_saturation,
    "partition_saturation": _partition_saturation,
    "error_burst": _error_burst,
    "new_error_type": _new_error_type,
    "dns_outage": _dns_outage,
    "cascading_failure": _cascading_failure,
    "n_plus_one": _n_plus_one,
    "lost_call": _lost_call,
    "cache_corruption": _cache_corruption,
}
