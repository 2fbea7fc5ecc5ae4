"""What a fault must lead to: who may rightly say what about it, how gravely, and with which cause."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from tracehound.schemas.anomaly import AnomalyKind, Severity
from tracehound.schemas.execution import rfc3339
from tracehound.scripts.simulator.afflicted import BURST_FAILURE, NEW_FAILURE, multiplied_query, without_cache
from tracehound.scripts.simulator.faults import Fault, FaultName
from tracehound.scripts.simulator.system import Operation, Step, System

OWN_CODE: Final = "its own code"

_SLOW: Final[tuple[AnomalyKind, ...]] = ("latency", "outlier", "saturation")
_WORSE: Final[tuple[Severity, ...]] = ("minor", "major")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Kinds of anomaly by where they appear, and the severities that the gravest right one may have.

    ``right`` and ``side`` are at the application itself, ``above`` at those that call it, ``below`` at those that
    it calls.
    """

    right: tuple[AnomalyKind, ...]
    side: tuple[AnomalyKind, ...]
    above: tuple[AnomalyKind, ...]
    below: tuple[AnomalyKind, ...] = ()
    severities: tuple[Severity, ...] = _WORSE


_RULES: Final[Mapping[FaultName, _Rule]] = {
    "slow_dependency": _Rule(("latency",), ("outlier", "saturation"), _SLOW),
    "network_delay": _Rule(("latency",), ("outlier", "saturation"), _SLOW),
    "new_release": _Rule(("latency",), ("outlier", "saturation"), _SLOW),
    "slow_code": _Rule(("latency",), ("outlier", "saturation"), _SLOW),
    "n_plus_one": _Rule(("structure",), _SLOW, _SLOW),
    "lost_call": _Rule(("structure",), ("outlier",), (), ("traffic",)),
    "cache_outage": _Rule(("structure",), _SLOW, _SLOW),
    "error_burst": _Rule(("errors",), ("outlier",), ("errors", "outlier"), (), ("major", "critical")),
    "new_error_type": _Rule(("errors",), ("outlier",), ("errors", "outlier")),
    "silence": _Rule(
        ("traffic",), (), ("errors", "outlier", "structure", "latency"), ("traffic",), ("major", "critical")
    ),
    "traffic_surge": _Rule(("traffic",), ("outlier", "saturation"), (), ("traffic", "saturation")),
    "traffic_drop": _Rule(("traffic",), (), ("outlier",), ("traffic",)),
    "saturation": _Rule(("saturation",), ("latency", "outlier"), _SLOW),
    "memory_leak": _Rule(("saturation",), ("outlier",), ()),
    "queue_backlog": _Rule(("latency",), ("outlier", "saturation", "traffic"), ()),
}
_FEWER_MESSAGES: Final[tuple[FaultName, ...]] = (
    "lost_call",
    "error_burst",
    "silence",
    "traffic_surge",
    "traffic_drop",
    "saturation",
)
"""Faults with which other applications, too, get fewer or more messages than usual."""
_CRITICAL_FROM, _MAJOR_UNTIL = 0.65, 0.35
"""An error burst of such a share must be critical, or must not be: between them it may be either."""


class Expected(msgspec.Struct, frozen=True):
    """Kinds of anomaly that may appear at an application."""

    application: str
    kinds: tuple[AnomalyKind, ...]


class Truth(msgspec.Struct, frozen=True):
    """A fault with the anomalies that detect it (``right``) and those that follow from it (``collateral``).

    ``starts`` and ``ends`` repeat the fault's times as RFC 3339. The gravest right anomaly must have one of
    ``severities``, and as its largest contribution one of ``causes``.
    """

    fault: Fault
    starts: str
    ends: str
    right: tuple[Expected, ...]
    collateral: tuple[Expected, ...]
    severities: tuple[Severity, ...]
    causes: tuple[str, ...]


def truth_of(fault: Fault, system: System) -> Truth:
    """Who may rightly say what about a fault.

    Collateral are, at the application itself, kinds that describe the same effect less well; upstream, what
    callers notice; and downstream, where a fault changes the traffic, changed traffic.
    """
    rule, owner = _RULES[fault.name], fault.application
    reached = [(owner, rule.side)]
    reached += [(above, rule.above) for above in sorted(system.ancestors(owner))]
    reached += [(below, rule.below) for below in sorted(_reached_below(fault, system))]
    if fault.name in _FEWER_MESSAGES:
        senders = {owner, *system.ancestors(owner), *system.descendants(owner)}
        reached += [(receiver, ("traffic",)) for receiver in sorted(system.receivers(senders))]
    return Truth(
        fault,
        rfc3339(fault.start_s),
        rfc3339(fault.end_s),
        (Expected(owner, rule.right),),
        tuple(Expected(application, kinds) for application, kinds in reached if kinds),
        _severities(fault, rule),
        _causes(fault, system),
    )


def _reached_below(fault: Fault, system: System) -> set[str]:
    if fault.name != "lost_call":
        return system.descendants(fault.application)
    called = fault.peer if fault.peer in system.applications else None
    return {called, *system.descendants(called)} if called else set()


def _severities(fault: Fault, rule: _Rule) -> tuple[Severity, ...]:
    if fault.name == "error_burst" and fault.effect >= _CRITICAL_FROM:
        return ("critical",)
    if fault.name == "error_burst" and fault.effect <= _MAJOR_UNTIL:
        return ("minor", "major")
    return rule.severities


def _causes(fault: Fault, system: System) -> tuple[str, ...]:
    """What a person would name as the cause, in the words of contributions."""
    operations = _operations(fault, system)
    match fault.name:
        case "slow_dependency" | "network_delay":
            at_peer = [step for operation in operations for step in operation.steps if step.peer == fault.peer]
            return _names(*at_peer)
        case "n_plus_one":
            queries = [multiplied_query(operation, fault.peer) for operation in operations]
            return _names(*(query for query in queries if query is not None))
        case "lost_call":
            return _names(*(step for operation in operations for step in operation.steps if step.name == fault.step))
        case "cache_outage":
            return _names(*(step for operation in operations for step in _exchanged(operation, fault.application)))
        case "error_burst":
            return (BURST_FAILURE.type,)
        case "new_error_type":
            return (NEW_FAILURE.type,)
        case "new_release" | "slow_code":
            return (OWN_CODE,)
        case "queue_backlog":
            return (f"messages of {fault.peer} for {fault.application}",)
    return _OF_WINDOWS[fault.name]


_OF_WINDOWS: Final[Mapping[FaultName, tuple[str, ...]]] = {
    "silence": ("missing executions",),
    "traffic_surge": ("additional executions",),
    "traffic_drop": ("missing executions",),
    "saturation": ("executions in progress",),
    "memory_leak": ("memory",),
}


def _operations(fault: Fault, system: System) -> list[Operation]:
    operations = system.applications[fault.application]
    return [operation for name, operation in operations.items() if fault.operation in (None, name)]


def _exchanged(operation: Operation, application: str) -> list[Step]:
    """The steps that go and those that come when there is no cache."""
    instead = without_cache(operation, application)
    gone = [step for step in operation.steps if step.kind == "cache"]
    return [*gone, *(step for step in instead if step.kind == "db")] if instead else []


def _names(*steps: Step) -> tuple[str, ...]:
    names = [name for step in steps for name in (step.name, f"calls to {step.peer}" if step.peer else step.name)]
    return tuple(dict.fromkeys(names))
