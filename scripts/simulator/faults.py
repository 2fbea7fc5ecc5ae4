"""Faults by name: what they do, to whom, when, how strongly, and which anomalies they rightly lead to."""

import random
import re
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from schemas.anomaly import AnomalyKind
from schemas.errors import ConfigurationError
from schemas.execution import rfc3339
from scripts.simulator.applications import System

FaultName = Literal["slow_dependency", "network_delay", "n_plus_one", "error_burst", "silence", "new_release"]
FAULT_NAMES: tuple[FaultName, ...] = get_args(FaultName)

EFFECT_RANGES: dict[FaultName, tuple[float, float]] = {
    "slow_dependency": (4.0, 12.0),
    "network_delay": (30.0, 200.0),
    "n_plus_one": (10.0, 60.0),
    "error_burst": (0.25, 0.8),
    "silence": (1.0, 1.0),
    "new_release": (1.8, 4.0),
}
"""Least and greatest effect when chosen at random: see ``Fault.effect``."""

RIGHT_KINDS: dict[FaultName, tuple[AnomalyKind, ...]] = {
    "slow_dependency": ("latency",),
    "network_delay": ("latency",),
    "n_plus_one": ("structure", "latency"),
    "error_burst": ("errors",),
    "silence": ("traffic",),
    "new_release": ("latency",),
}
_SIDE_KINDS: dict[FaultName, tuple[AnomalyKind, ...]] = {
    "slow_dependency": ("outlier", "saturation"),
    "network_delay": ("outlier", "saturation"),
    "n_plus_one": ("outlier", "saturation"),
    "error_burst": ("outlier",),
    "silence": (),
    "new_release": ("outlier", "saturation"),
}
_UPSTREAM_KINDS: dict[FaultName, tuple[AnomalyKind, ...]] = {
    "slow_dependency": ("latency", "outlier", "saturation"),
    "network_delay": ("latency", "outlier", "saturation"),
    "n_plus_one": ("latency", "outlier", "saturation"),
    "error_burst": ("errors", "outlier"),
    "silence": ("errors", "outlier", "structure", "latency"),
    "new_release": ("latency", "outlier", "saturation"),
}


class Fault(msgspec.Struct, frozen=True):
    """One fault, for requests that enter the system in [``start_s``, ``start_s + duration_s``), epoch seconds.

    ``application`` is the owner of the slow, delayed, multiplied, failing or missing work; ``operation`` narrows
    it to one operation, ``peer`` to the steps that go there. ``effect`` is the factor on the step
    (slow_dependency) or on the operation's own time (new_release), milliseconds added to each call
    (network_delay), queries instead of one (n_plus_one), or the probability of failing (error_burst).
    """

    name: FaultName
    application: str
    start_s: float
    duration_s: float
    effect: float
    operation: str | None = None
    peer: str | None = None

    @property
    def end_s(self) -> float:
        """First moment without the fault, epoch seconds."""
        return self.start_s + self.duration_s

    def describe(self) -> str:
        """What happens, in a few words.

        >>> Fault("network_delay", "cart", 0.0, 60.0, 80.0, peer="catalog").describe()
        'network_delay: cart to catalog, 80 ms more per call'
        """
        where = f"{self.application} {self.operation}" if self.operation else self.application
        return {
            "slow_dependency": f"{self.name}: {self.peer} answers {where} {self.effect:.1f} times as slowly",
            "network_delay": f"{self.name}: {where} to {self.peer}, {self.effect:.0f} ms more per call",
            "n_plus_one": f"{self.name}: {where} sends {self.effect:.0f} queries instead of one",
            "error_burst": f"{self.name}: {where} fails in {self.effect:.0%} of executions",
            "silence": f"{self.name}: {where} falls silent",
            "new_release": f"{self.name}: {where} is released and takes {self.effect:.1f} times as long itself",
        }[self.name]


class Expected(msgspec.Struct, frozen=True):
    """Kinds of anomaly that may appear at an application."""

    application: str
    kinds: tuple[AnomalyKind, ...]


class Truth(msgspec.Struct, frozen=True):
    """A fault with the anomalies that detect it (``right``) and those that follow from it (``collateral``).

    ``starts`` and ``ends`` repeat the fault's times as RFC 3339.
    """

    fault: Fault
    starts: str
    ends: str
    right: tuple[Expected, ...]
    collateral: tuple[Expected, ...]


def truth_of(fault: Fault, system: System) -> Truth:
    """Who may rightly say what about a fault.

    Collateral are, at the application itself, kinds that describe the same effect less well; upstream, what
    callers notice; and downstream of a silent application, missing traffic.
    """
    collateral = [Expected(fault.application, _SIDE_KINDS[fault.name])] if _SIDE_KINDS[fault.name] else []
    collateral += [
        Expected(application, _UPSTREAM_KINDS[fault.name])
        for application in sorted(system.ancestors(fault.application))
    ]
    if fault.name == "silence":
        collateral += [Expected(below, ("traffic",)) for below in sorted(system.descendants(fault.application))]
    return Truth(
        fault,
        rfc3339(fault.start_s),
        rfc3339(fault.end_s),
        (Expected(fault.application, RIGHT_KINDS[fault.name]),),
        tuple(collateral),
    )


Target = tuple[str, str | None, str | None]
"""Application, operation, peer."""


def targets(name: FaultName, system: System) -> list[Target]:
    """Everything in the system that can have the fault, in a fixed order."""
    steps = [
        (application, operation.name, step)
        for application, operations in system.applications.items()
        for operation in operations.values()
        for step in operation.steps
    ]
    found: list[Target]
    if name == "slow_dependency":
        found = [(owner, None, step.peer) for owner, _, step in steps if step.operation is None and step.peer]
    elif name == "network_delay":
        found = [(owner, None, step.peer) for owner, _, step in steps if step.operation is not None]
    elif name == "n_plus_one":
        found = [(owner, operation, step.peer) for owner, operation, step in steps if step.kind == "db"]
    elif name == "silence":
        found = [(application, None, None) for application in system.applications if system.ancestors(application)]
    else:
        found = [(application, None, None) for application in system.applications]
    return list(dict.fromkeys(found))


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
    """A fault with whatever is not given chosen at random; at the applications to ``avoid`` only for want of others.

    Raises:
        ConfigurationError: the application does not exist, or cannot have that fault.
    """
    chosen: FaultName = generator.choice(FAULT_NAMES) if name is None else name
    possible = [target for target in targets(chosen, system) if application in (None, target[0])]
    if not possible:
        raise ConfigurationError(
            f"The application {application!r} cannot have the fault {chosen!r}; "
            f"these can: {', '.join(sorted({target[0] for target in targets(chosen, system)}))}."
        )
    possible = [target for target in possible if target[0] not in avoid] or possible
    owner, operation, peer = generator.choice(possible)
    low, high = EFFECT_RANGES[chosen]
    return Fault(chosen, owner, start_s, duration_s, effect or generator.uniform(low, high), operation, peer)


class FaultRequest(msgspec.Struct, frozen=True):
    """A fault as asked for on the command line: what is None is chosen at random. Times in seconds from now."""

    name: FaultName
    after_s: float
    duration_s: float
    application: str | None = None
    effect: float | None = None


_REQUEST = re.compile(
    r"(?P<name>\w+)(:(?P<application>[\w.-]+))?@\+(?P<after>\d+(\.\d+)?[smh]?)"
    r"(/(?P<duration>\d+(\.\d+)?[smh]?))?(x(?P<effect>\d+(\.\d+)?))?"
)


def parse_fault(text: str, duration_s: float = 60.0) -> FaultRequest:
    """``name[:application]@+start[/duration][xeffect]``, for instance ``slow_dependency:orders@+30s/60sx5``.

    Raises:
        ConfigurationError: the text has another form, or the name is unknown.
    """
    match = _REQUEST.fullmatch(text)
    if match is None or match["name"] not in FAULT_NAMES:
        raise ConfigurationError(
            f"A fault must be name[:application]@+start[/duration][xeffect], for instance "
            f"slow_dependency@+30s, with one of the names {', '.join(FAULT_NAMES)}. Got {text!r} instead."
        )
    return FaultRequest(
        next(name for name in FAULT_NAMES if name == match["name"]),
        parse_duration(match["after"]),
        parse_duration(match["duration"]) if match["duration"] else duration_s,
        match["application"],
        float(match["effect"]) if match["effect"] else None,
    )


def parse_duration(text: str) -> float:
    """Seconds of a duration such as ``90``, ``90s``, ``15m`` or ``2h``.

    Raises:
        ConfigurationError: it is no such duration.

    >>> parse_duration("15m")
    900.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if match is None:
        raise ConfigurationError(f"A duration must be a number with s, m or h, like 90s. Got {text!r} instead.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
