"""The numbers of a stored book, checked one by one before anything reckons with them."""

from typing import Any

import msgspec

from tracehound.detectors.incidents.environment import EnvironmentState
from tracehound.detectors.incidents.habits import CONFIRMED, EPISODES, HABITUAL, PATTERNS
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LARGEST, LATEST_S
from tracehound.schemas.anomaly import SEVERITIES

_RANKS = frozenset({"worst", "severity"})
"""Fields that are places in ``SEVERITIES``."""
_TIMES = frozenset({"keys", "releases", "starts_at", "ends_at", "judged_at"})
"""Fields that hold event times, beside those that end in ``_s``."""


def check_numbers(value: Any, name: str = "book") -> None:
    """Check every number in a part of a book: times lie in the years 1 to 9999, counts are no less than 0.

    Raises:
        ValueError: one is not what it may be; the message names it.

    >>> check_numbers({"keys": {"shop//latency": float("nan")}})
    Traceback (most recent call last):
        ...
    ValueError: the number of 'keys' must be from -6.21356e+10 to 2.53402e+11. Got nan instead
    """
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            check_numbers(getattr(value, field), field)
    elif isinstance(value, dict):
        for key, part in value.items():
            is_field = isinstance(key, str) and key in _TIMES
            check_numbers(part, key if is_field else name)
    elif isinstance(value, list | tuple):
        for part in value:
            check_numbers(part, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check(value, name)


def check_environment(state: EnvironmentState, incidents: int) -> None:
    """Check that incidents are known by their own numbers, of which there were ``incidents``, and applications by their
    names, and that each is a member of the incident that it says it is part of.

    Raises:
        ValueError: one is not.
    """
    for number, incident in (*state.live.items(), *state.resolved.items()):
        if number != incident.number or not 0 < number <= incidents:
            raise ValueError(
                f"an incident must be known by its number, from 1 to {incidents}. "
                f"Got {incident.number} under {number} instead"
            )
    for name, application in state.applications.items():
        if name != application.name:
            raise ValueError(f"an application must be known by its name, {name!r}. Got {application.name!r} instead")
        part_of = state.live.get(application.incident) or state.resolved.get(application.incident)
        if part_of is not None and name not in part_of.members:
            raise ValueError(
                f"an application must be one of the members of its incident, {sorted(part_of.members)}. "
                f"Got {name!r} instead"
            )


def check_habits(state: EnvironmentState) -> None:
    """Check that habits are no more than are kept, and that each episode ends after it began.

    Raises:
        ValueError: one is not.
    """
    _check_count("applications with habits", len(state.habits), HABITUAL)
    for habits in state.habits.values():
        _check_count("episodes", len(habits.episodes), EPISODES)
        _check_count("confirmed subjects", len(habits.confirmed), CONFIRMED)
        for episode in habits.episodes:
            _check_count("patterns", len(episode.sizes), PATTERNS)
            if not episode.began_s <= episode.ended_s:
                raise ValueError(
                    f"an episode must begin before it ends. Got {episode.began_s:g} to {episode.ended_s:g} instead"
                )


def _check_count(what: str, count: int, most: int) -> None:
    if count > most:
        raise ValueError(f"there must be at most {most} {what}. Got {count} instead")


def _check(value: float, name: str) -> None:
    low, high = -LARGEST, LARGEST
    if name.endswith("_s") or name in _TIMES:
        low, high = EARLIEST_S, LATEST_S
    elif name in _RANKS:
        low, high = 0, len(SEVERITIES) - 1
    elif isinstance(value, int):
        low, high = 0, COUNTED
    if not low <= value <= high:
        raise ValueError(f"the number of {name!r} must be from {low:g} to {high:g}. Got {value:g} instead")
