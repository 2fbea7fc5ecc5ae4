"""Settings that are tried, or that one application has of its own: numbers of detection beside all others."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from math import isfinite, prod
from typing import Any

from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.errors import ConfigurationError

OF_WORKERS = frozenset(
    {
        *("applications_per_worker", "operations_per_application", "peers_per_application"),
        *("reservoir", "refit_delay"),
    }
)
"""Settings of detection that say how much memory a worker takes, and how much it scores at once: not of one
application.
"""
Candidate = Mapping[str, float]
"""Settings of detection by their names, beside which all others stay as they are."""


def with_candidate(settings: DetectionSettings, candidate: Candidate) -> DetectionSettings:
    """The settings with those of a candidate.

    Raises:
        ConfigurationError: one of them is none that is a number, or lies outside its range; the message names it.

    >>> with_candidate(DetectionSettings(), {"least_sigma": 5}).least_sigma
    5.0
    """
    known = {one.name: getattr(settings, one.name) for one in fields(settings)}
    given: dict[str, Any] = {}
    for name, value in candidate.items():
        if not isinstance(known.get(name), int | float):
            raise ConfigurationError(f"A setting that is searched must be a number of detection. Got {name!r} instead.")
        if name in OF_WORKERS:
            raise ConfigurationError(
                f"The setting {name!r} must be the same for all applications. Got {value:g} for one."
            )
        if not isfinite(value):
            raise ConfigurationError(f"The setting {name!r} must be a finite number. Got {value:g} instead.")
        whole = isinstance(known[name], int)
        if whole and value != int(value):
            raise ConfigurationError(f"The setting {name!r} must be a whole number. Got {value:g} instead.")
        given[name] = int(value) if whole else float(value)
    try:
        return replace(settings, **given)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def candidates(search: Mapping[str, Sequence[float]], most: int, seed: int = 0) -> list[dict[str, float]]:
    """What is tried: the settings as they are, then every combination, or as many as may be, drawn by ``seed``.

    >>> candidates({"least_sigma": [4, 5]}, most=9)
    [{}, {'least_sigma': 4}, {'least_sigma': 5}]
    """
    count = prod(len(values) for values in search.values()) if search else 0
    if count < most:
        numbers: Iterable[int] = range(count)
    else:
        draw, drawn = random.Random(seed), set[int]()
        while len(drawn) < most - 1:
            drawn.add(draw.randrange(count))
        numbers = sorted(drawn)
    return [{}, *(_combination(search, number) for number in numbers)]


def _combination(search: Mapping[str, Sequence[float]], number: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in reversed(list(search)):
        number, place = divmod(number, len(search[name]))
        found[name] = search[name][place]
    return {name: found[name] for name in search}
