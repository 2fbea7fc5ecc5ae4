"""What each kind of evidence says about where a fault lies, and how much it weighs."""

from dataclasses import dataclass
from typing import Final, Literal

from tracehound.detectors.incidents.evidence import CauseEvidence
from tracehound.detectors.telling.deviation import QUEUE_GAP
from tracehound.schemas.anomaly import AnomalyKind

Spread = Literal["stays", "to callers", "to callees"]
"""Where else the consequences of a fault show: nowhere, at those who call, or at those who are called."""


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of evidence: ``weight`` (0 to 1) at the largest sigma that counts, and where its cause may lie instead.

    What spreads to callers (errors) may be caused further down the calls; what spreads to callees (missing traffic)
    further up.
    """

    name: str
    weight: float
    spread: Spread


CALL: Final = Role("call", 1.0, "stays")
"""Calls of one service are slow: the time is lost between both sides, or the other side is not known."""
CALLED_TOO_LONG: Final = Role("called too long", 0.5, "to callers")
"""One execution took too long in calls of one service, with what that service itself waited for."""
SLOW: Final = Role("slow", 1.0, "stays")
"""More time, or memory, than usual of its own: what no callee answers for."""
SLOW_PART: Final = Role("slow part", 0.3, "stays")
"""One execution with too much time in something that is no call of a service."""
ERRORS: Final = Role("errors", 1.0, "to callers")
SILENT: Final = Role("silent", 1.0, "to callees")
TRAFFIC: Final = Role("traffic", 0.3, "to callees")
QUEUED: Final = Role("queued", 1.0, "to callers")
"""Messages wait for a consumer that is behind: too slow itself, or slowed down by what it depends on."""
BUSY: Final = Role("busy", 0.3, "to callers")
"""More executions in progress than usual, as wherever something is waited for."""
ODD: Final = Role("odd", 0.3, "stays")
"""Other segments or another mix of features than usual: seen near faults, but seldom where they are."""

LEAST_SIGMA, MOST_SIGMA = 3.0, 10.0
"""Deviations beyond the second weigh no more: all of them are certain."""

WINDOW_LATENCY = "window_latency"
"""The signal of executions that are slower on average, with what services without traces take."""
UNANSWERED = "call_ms"
"""The signal of calls to a service of which there are no traces."""
_OWN = ("self_ms", "local_ms", "memory_peak_mb", WINDOW_LATENCY)
_BY_KIND: dict[AnomalyKind, Role] = {
    "latency": SLOW_PART,
    "structure": ODD,
    "errors": ERRORS,
    "outlier": ODD,
    "traffic": TRAFFIC,
    "saturation": BUSY,
}


def role_of(evidence: CauseEvidence) -> Role:
    """The kind of evidence that this is."""
    if evidence.silent:
        return SILENT
    if evidence.peer and evidence.kind == "latency":
        return CALL if evidence.signal in ("call_gap_ms", UNANSWERED) else CALLED_TOO_LONG
    if evidence.signal == QUEUE_GAP:
        return QUEUED
    return SLOW if evidence.signal in _OWN else _BY_KIND[evidence.kind]


def weight_of(evidence: CauseEvidence) -> float:
    """How much it weighs, in (0, 1]: by its role, and by its deviation up to ``MOST_SIGMA``.

    How often it was told says nothing: what goes on is told every few minutes, however often it happens.
    """
    return role_of(evidence).weight * min(max(evidence.sigma, LEAST_SIGMA), MOST_SIGMA) / MOST_SIGMA
