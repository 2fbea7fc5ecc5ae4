"""Settings that are numbers: the legal range stands beside the default, and one sentence says what is wrong."""

from dataclasses import field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def ranged(default: Any, low: float, high: float, meaning: str) -> Any:
    """The field of a dataclass whose value must be from ``low`` to ``high``."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def check_ranges(settings: "DataclassInstance") -> None:
    """Check every field that has a range.

    Raises:
        ValueError: a value lies outside; the message names setting, rule and value.
    """
    for setting in fields(settings):
        if "low" not in setting.metadata:
            continue
        value, low, high = getattr(settings, setting.name), setting.metadata["low"], setting.metadata["high"]
        if not low <= value <= high:
            raise ValueError(f"The setting '{setting.name}' must be from {low} to {high}. Got {value!r} instead.")
