"""Who can have which fault, and faults chosen at random."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tracehound.schemas.errors import ConfigurationError
from tracehound.scripts.simulator.faults import EFFECT_RANGES, FAULT_NAMES, Fault, FaultName
from tracehound.scripts.simulator.system import Operation, Step, System

SHORTEST_MS = 3.0
"""What takes less is no target for slowness: nobody would notice."""


class Target(NamedTuple):
    """Where a fault can happen, as in the fields of ``Fault``."""

    application: str
    operation: str | None = None
    peer: str | None = None
    step: str | None = None


def targets(name: FaultName, system: System) -> list[Target]:
    """Everything in the system that can have the fault, in a fixed order."""
    return list(dict.fromkeys(_TARGETS.get(name, _applications)(system)))


def possible_faults(system: System, names: Sequence[FaultName] = FAULT_NAMES) -> list[FaultName]:
    """Those of the ``names`` that anything in the system can have: without messages no queue backs up."""
    return [name for name in names if targets(name, system)]


def target_of(fault: Fault) -> Target:
    """The target that a fault has."""
    return Target(fault.application, fault.operation, fault.peer, fault.step)


def random_fault(
    generator: random.Random,
    system: System,
    start_s: float,
    duration_s: float,
    name: FaultName | None = None,
    application: str | None = None,
    effect: float | None = None,
    avoid: Sequence[str] = (),
) -> Fault:
    """A fault with whatever is not given chosen at random; at the applications to ``avoid`` only for want of
    others, those named first before the last.

    Raises:
        ConfigurationError: the application does not exist, or cannot have that fault.
    """
    chosen: FaultName = generator.choice(possible_faults(system)) if name is None else name
    possible = [target for target in targets(chosen, system) if application in (None, target.application)]
    if not possible:
        raise ConfigurationError(
            f"The application {application!r} cannot have the fault {chosen!r}; "
            f"these can: {', '.join(sorted({target.application for target in targets(chosen, system)}))}."
        )
    for first in range(len(avoid) + 1):
        if elsewhere := [target for target in possible if target.application not in avoid[first:]]:
            possible = elsewhere
            break
    owner, operation, peer, step = generator.choice(possible)
    drawn = generator.uniform(*EFFECT_RANGES[chosen])
    return Fault(chosen, owner, start_s, duration_s, effect or drawn, operation, peer, step)


def _applications(system: System) -> Iterator[Target]:
    return (Target(application) for application in system.applications)


def _called_applications(system: System) -> Iterator[Target]:
    return (Target(application) for application in system.applications if system.ancestors(application))


def _slow_operations(system: System) -> Iterator[Target]:
    for application, operation in _operations(system):
        if operation.median_ms >= SHORTEST_MS:
            yield Target(application, operation.name)


def _dependencies(system: System) -> Iterator[Target]:
    for owner, _, step in _steps(system):
        if step.peer and not step.operation and step.median_ms >= SHORTEST_MS:
            yield Target(owner, None, step.peer)


def _calls(system: System) -> Iterator[Target]:
    return (Target(owner, None, step.peer) for owner, _, step in _steps(system) if step.operation)


def _queries(system: System) -> Iterator[Target]:
    return (Target(owner, name, step.peer) for owner, name, step in _steps(system) if step.kind == "db")


def _certain_steps(system: System) -> Iterator[Target]:
    return (
        Target(owner, name, step.peer, step.name) for owner, name, step in _steps(system) if step.probability >= 1.0
    )


def _consumers(system: System) -> Iterator[Target]:
    return (Target(message.application, message.operation, message.queue) for _, _, message in system.messages())


def _caching_applications(system: System) -> Iterator[Target]:
    return (Target(owner) for owner, _, step in _steps(system) if step.kind == "cache")


def _operations(system: System) -> Iterator[tuple[str, Operation]]:
    """Operations that requests lead to: consumers have a fault of their own."""
    for owner, operations in system.applications.items():
        for operation in operations.values():
            if operation.kind != "consumer":
                yield owner, operation


def _steps(system: System) -> Iterator[tuple[str, str, Step]]:
    return ((owner, operation.name, step) for owner, operation in _operations(system) for step in operation.steps)


_TARGETS: Mapping[FaultName, Callable[[System], Iterator[Target]]] = {
    "slow_dependency": _dependencies,
    "network_delay": _calls,
    "n_plus_one": _queries,
    "lost_call": _certain_steps,
    "silence": _called_applications,
    "slow_code": _slow_operations,
    "cache_outage": _caching_applications,
    "queue_backlog": _consumers,
}
"""Faults that any application can have are left out."""
