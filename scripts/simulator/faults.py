"""Faults by name: what they do, to whom, when, and how strongly; and faults as asked for in one word."""

import re
from typing import Final, Literal, get_args

import msgspec

from tracehound.schemas.errors import ConfigurationError

FaultName = Literal[
    "slow_dependency",
    "network_delay",
    "new_release",
    "n_plus_one",
    "lost_call",
    "error_burst",
    "new_error_type",
    "silence",
    "traffic_surge",
    "saturation",
    "slow_code",
    "cache_outage",
    "traffic_drop",
    "memory_leak",
    "queue_backlog",
]
FAULT_NAMES: Final[tuple[FaultName, ...]] = get_args(FaultName)
SCENARIOS: Final = FAULT_NAMES[:10]
"""The ten faults that detection is held to; the others are variations that are measured as well."""

EFFECT_RANGES: Final[dict[FaultName, tuple[float, float]]] = {
    "slow_dependency": (4.0, 12.0),
    "network_delay": (30.0, 200.0),
    "new_release": (1.8, 4.0),
    "n_plus_one": (10.0, 60.0),
    "lost_call": (0.3, 1.0),
    "error_burst": (0.25, 0.8),
    "new_error_type": (0.01, 0.05),
    "silence": (1.0, 1.0),
    "traffic_surge": (2.0, 6.0),
    "saturation": (0.8, 1.3),
    "slow_code": (3.0, 10.0),
    "cache_outage": (0.3, 1.0),
    "traffic_drop": (0.5, 0.1),
    "memory_leak": (20.0, 200.0),
    "queue_backlog": (1.3, 1.9),
}
"""Weakest and strongest effect when chosen at random: see ``Fault.effect``."""

_DESCRIPTIONS: Final[dict[FaultName, str]] = {
    "slow_dependency": "{peer} answers {where} {effect:.1f} times as slowly",
    "network_delay": "{where} to {peer}, {effect:.0f} ms more per call",
    "new_release": "{where} is released and takes {effect:.1f} times as long itself",
    "n_plus_one": "{where} sends {effect:.0f} queries instead of one",
    "lost_call": "{where} skips {step!r} in {effect:.0%} of executions",
    "error_burst": "{where} fails in {effect:.0%} of executions",
    "new_error_type": "{where} fails in {effect:.1%} of executions with an error never seen before",
    "silence": "{where} falls silent",
    "traffic_surge": "{where} gets {effect:.1f} times its traffic",
    "saturation": "{where} gets {effect:.2f} times the work that it can do",
    "slow_code": "{where} takes {effect:.1f} times as long itself",
    "cache_outage": "{where} goes without its cache in {effect:.0%} of executions",
    "traffic_drop": "{where} gets {effect:.0%} of its traffic",
    "memory_leak": "{where} needs {effect:.0f} MB more memory every minute",
    "queue_backlog": "{where} gets {effect:.2f} times the messages of {peer} that it can take",
}


class Fault(msgspec.Struct, frozen=True):
    """One fault, for requests that enter the system in [``start_s``, ``start_s + duration_s``), epoch seconds.

    ``application`` is the owner of the slow, delayed, multiplied, lost, failing or missing work; ``operation``
    narrows it to one operation, ``peer`` to the steps that go there, ``step`` to those of that name. ``effect`` is

    - a factor on the step (slow_dependency), on the operation's own time (new_release, slow_code), on the
      traffic (traffic_surge, traffic_drop), or arriving work or messages over what can be done (saturation,
      queue_backlog);
    - milliseconds added to each call (network_delay), or megabytes added each minute (memory_leak);
    - queries instead of one (n_plus_one);
    - the probability of failing (error_burst, new_error_type), of skipping the step (lost_call), or of finding
      no cache (cache_outage).
    """

    name: FaultName
    application: str
    start_s: float
    duration_s: float
    effect: float
    operation: str | None = None
    peer: str | None = None
    step: str | None = None

    @property
    def end_s(self) -> float:
        """First moment without the fault, epoch seconds."""
        return self.start_s + self.duration_s

    @property
    def strength(self) -> float:
        """Where the effect lies between the weakest (0) and the strongest (1) that is chosen at random.

        >>> Fault("traffic_drop", "cart", 0.0, 60.0, 0.3).strength
        0.5
        """
        weakest, strongest = EFFECT_RANGES[self.name]
        return 1.0 if weakest == strongest else (self.effect - weakest) / (strongest - weakest)

    def describe(self) -> str:
        """What happens, in a few words.

        >>> Fault("network_delay", "cart", 0.0, 60.0, 80.0, peer="catalog").describe()
        'network_delay: cart to catalog, 80 ms more per call'
        """
        where = f"{self.application} {self.operation}" if self.operation else self.application
        said = _DESCRIPTIONS[self.name].format(where=where, peer=self.peer, step=self.step, effect=self.effect)
        return f"{self.name}: {said}"


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
