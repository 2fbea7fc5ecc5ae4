"""What faults do: a system in which they are at work, made from one in which all is well."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tracehound.schemas.execution import ExecutionFailure
from tracehound.scripts.simulator.faults import Fault, FaultName
from tracehound.scripts.simulator.system import Operation, Step, System

NEXT_VERSION = "1.1.0"
BURST_FAILURE: Final = ExecutionFailure("TimeoutError", "no answer within the limit")
"""What fails in an error burst: nothing new, only more of it."""
NEW_FAILURE: Final = ExecutionFailure("UnknownCurrencyError", "no rate for XTS")
QUERY_MS = 4.0
"""Median time of a query that stands in for a cache."""
SELDOM_PER_S = 0.01
"""The least traffic that the capacity of a saturated application is reckoned from."""


def afflicted(system: System, faults: Sequence[Fault], released: Iterable[str], requests_per_s: float) -> System:
    """The system with all ``faults`` at work, the ``released`` applications at their next version.

    ``requests_per_s`` is how many requests enter at present. Entries may be added: so many more requests enter.
    """
    versions = dict.fromkeys(released, NEXT_VERSION)
    found = replace(system, versions=versions) if versions else system
    for fault in faults:
        found = _surge(found, system, fault) if fault.name == "traffic_surge" else found
        found = _saturated(found, system, fault, requests_per_s) if fault.name == "saturation" else found
        found = _behind(found, system, fault, requests_per_s) if fault.name == "queue_backlog" else found
        if fault.name == "silence":
            found = replace(found, silent=found.silent | {fault.application})
        elif fault.name == "traffic_drop":
            found = replace(found, elsewhere={**found.elsewhere, fault.application: 1.0 - fault.effect})
        elif fault.name in _CHANGES:
            found = _changed(found, fault, _CHANGES[fault.name])
    return found


def _changed(system: System, fault: Fault, change: Callable[[Operation, Fault], Operation]) -> System:
    operations = {
        name: change(operation, fault) if fault.operation in (None, name) else operation
        for name, operation in system.applications[fault.application].items()
    }
    return replace(system, applications={**system.applications, fault.application: operations})


def _slow_own_code(operation: Operation, fault: Fault) -> Operation:
    return replace(operation, median_ms=operation.median_ms * fault.effect)


def _slow_dependency(operation: Operation, fault: Fault) -> Operation:
    def slower(step: Step) -> Step:
        return step if step.operation else replace(step, median_ms=step.median_ms * fault.effect)

    return _steps_at_peer(operation, fault, slower)


def _network_delay(operation: Operation, fault: Fault) -> Operation:
    def later(step: Step) -> Step:
        return replace(step, added_ms=step.added_ms + fault.effect) if step.operation else step

    return _steps_at_peer(operation, fault, later)


def _steps_at_peer(operation: Operation, fault: Fault, change: Callable[[Step], Step]) -> Operation:
    steps = tuple(change(step) if step.peer == fault.peer else step for step in operation.steps)
    return replace(operation, steps=steps)


def _n_plus_one(operation: Operation, fault: Fault) -> Operation:
    query = multiplied_query(operation, fault.peer)
    repeats = round(fault.effect)
    steps = tuple(
        replace(step, repeats=repeats, probability=1.0) if step is query else step for step in operation.steps
    )
    return replace(operation, steps=steps)


def multiplied_query(operation: Operation, peer: str | None) -> Step | None:
    """The query that N+1 queries to ``peer`` repeat; None where the operation has none."""
    return next((step for step in operation.steps if step.kind == "db" and step.peer == peer), None)


def _lost_call(operation: Operation, fault: Fault) -> Operation:
    kept = 1.0 - fault.effect
    steps = tuple(
        replace(step, probability=step.probability * kept) if step.name == fault.step else step
        for step in operation.steps
    )
    return replace(operation, steps=steps)


def _cache_outage(operation: Operation, fault: Fault) -> Operation:
    detour = without_cache(operation, fault.application)
    return replace(operation, detour=detour, detour_share=fault.effect) if detour else operation


def without_cache(operation: Operation, application: str) -> tuple[Step, ...]:
    """The steps that do without the cache: every query is sent, and one where there was none; () without a cache."""
    cached = next((step for step in operation.steps if step.kind == "cache"), None)
    if cached is None:
        return ()
    steps = tuple(
        replace(step, probability=1.0) if step.kind == "db" else step
        for step in operation.steps
        if step.kind != "cache"
    )
    if any(step.kind == "db" for step in steps):
        return steps
    return (Step("db", f"SELECT {cached.name.split()[-1]}", f"{application}-db", QUERY_MS, 0.35), *steps)


def _error_burst(operation: Operation, fault: Fault) -> Operation:
    return replace(operation, failures=(*operation.failures, (fault.effect, BURST_FAILURE)))


def _new_error_type(operation: Operation, fault: Fault) -> Operation:
    return replace(operation, failures=(*operation.failures, (fault.effect, NEW_FAILURE)))


def _memory_leak(operation: Operation, fault: Fault) -> Operation:
    return replace(operation, leak_mb_per_s=fault.effect / 60.0, leak_since_s=fault.start_s)


def _surge(system: System, usual: System, fault: Fault) -> System:
    added = tuple(
        (application, name, usual.requests() * share * (fault.effect - 1.0))
        for (application, name), share in usual.mix().items()
        if application == fault.application
    )
    return replace(system, entries=(*system.entries, *added))


def _saturated(system: System, usual: System, fault: Fault, requests_per_s: float) -> System:
    per_request = sum(share for (application, _), share in usual.mix().items() if application == fault.application)
    every_ms = 1e3 * fault.effect / max(per_request * requests_per_s, SELDOM_PER_S)
    return _changed(system, fault, lambda operation, _: replace(operation, served_every_ms=every_ms))


def _behind(system: System, usual: System, fault: Fault, requests_per_s: float) -> System:
    mix = usual.mix()
    taken = (fault.application, fault.operation)
    per_request = sum(
        mix.get((sender, operation), 0.0)
        for sender, operation, message in usual.messages()
        if (message.application, message.operation) == taken
    )
    every_ms = 1e3 * fault.effect / max(per_request * requests_per_s, SELDOM_PER_S)
    return _changed(system, fault, lambda operation, _: replace(operation, taken_every_ms=every_ms))


_CHANGES: Final[Mapping[FaultName, Callable[[Operation, Fault], Operation]]] = {
    "slow_dependency": _slow_dependency,
    "network_delay": _network_delay,
    "new_release": _slow_own_code,
    "slow_code": _slow_own_code,
    "n_plus_one": _n_plus_one,
    "lost_call": _lost_call,
    "cache_outage": _cache_outage,
    "error_burst": _error_burst,
    "new_error_type": _new_error_type,
    "memory_leak": _memory_leak,
}
"""What faults do to each operation that they befall; the others change the system."""
