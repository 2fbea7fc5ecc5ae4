"""What a route does, as its document says it: what it takes, and what each of its answers means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tracehound.streams.http.problems import MEDIA_TYPE, Problem

BYTES: Mapping[str, Any] = {}
"""The schema of what is no JSON: OpenAPI 3.1 says nothing of it."""
Content = Mapping[str, Any]
"""By media type what a body holds: a type of ours, whose schema is made, or a JSON Schema."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a status means, and what its body holds (none: it has none)."""

    told: str
    content: Content = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route does.

    Parameters:
        summary: in one sentence.
        outcomes: by status, those where nothing is refused.
        bodies: what may be sent; none: the route takes no body.
        refused: what the body of a refusal holds.
        once: whether a request with a key is taken once (``streams.gateway.repeats``).
    """

    summary: str
    outcomes: Mapping[int, Outcome]
    bodies: Content = field(default_factory=dict)
    refused: Content = field(default_factory=lambda: {MEDIA_TYPE: Problem})
    once: bool = False
