"""Moments, durations and outcomes as programs write them, for JSON that settings map."""

import math
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
TEXT_UNITS = ("text", "iso8601")
"""Texts that say themselves what they count; both names mean the same."""
UNITS = (*PER_SECOND, *TEXT_UNITS)

_SPELT = {
    **{name: 1 / count for name, count in PER_SECOND.items()},
    **{"µs": 1e-6, "μs": 1e-6, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400},
}
_SPELT_PART = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)\s*(?P<unit>[a-zµμ]+)\s*")
_ISO = re.compile(
    r"P(?:(?P<d>[\d.,]+)D)?(?:T(?:(?P<h>[\d.,]+)H)?(?:(?P<m>[\d.,]+)M)?(?:(?P<s>[\d.,]+)S)?)?", re.IGNORECASE
)
_CLOCK = re.compile(r"(?:(?P<d>\d+)[. ])?(?P<h>\d+):(?P<m>\d{1,2}):(?P<s>\d{1,2}(?:[.,]\d+)?)")
_LONGEST = 100
_CLASS = re.compile(r"[1-9]xx")

Read = Callable[[Any], Any]
"""Gives what a value means; the value itself where it is none that is understood, for others to say so."""


def moment_s(value: Any, unit: str) -> float | None:
    """Epoch seconds of a moment; None for what is none. A date-time without an offset is UTC.

    >>> moment_s("2026-01-01 00:00:00,250", "text"), moment_s("1767225600250", "ms"), moment_s("soon", "text")
    (1767225600.25, 1767225600.25, None)
    """
    if unit in PER_SECOND:
        return _counted_s(value, unit)
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def duration_s(value: Any, unit: str) -> float | None:
    """Seconds of a duration; None for what is none.

    >>> [duration_s(one, "text") for one in ("PT1M0.5S", "1m30s", "12.5 ms", "00:00:01.5", "long")]
    [60.5, 90.0, 0.0125, 1.5, None]
    """
    if unit in PER_SECOND:
        return _counted_s(value, unit)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    written = value.strip()
    whole = _ISO.fullmatch(written) or _CLOCK.fullmatch(written)
    if whole is not None:
        parts = {name: _number(part) for name, part in whole.groupdict().items() if part}
        return _sum(parts.items())
    found = list(_SPELT_PART.finditer(written.lower()))
    if "".join(one[0] for one in found) != written.lower():
        return None
    return _sum([(one["unit"], _number(one["number"])) for one in found])


def outcome_reader(told: str, values: Collection[str]) -> Read:
    """Reads ``status``: ``told`` for these values, the opposite for all others. ``5xx`` stands for 500 to 599.

    >>> read = outcome_reader("error", ["failed", "5xx"])
    >>> read("FAILED"), read(503), read("done"), read(None)
    ('error', 'error', 'ok', 'unset')
    """
    opposite = "ok" if told == "error" else "error"
    wanted = {value.strip().lower() for value in values}
    classes = {value[0] for value in wanted if _CLASS.fullmatch(value)}

    def read(value: Any) -> Any:
        if value is None:
            return "unset"
        if not isinstance(value, str | int | float):
            return value
        written = str(value).strip().lower()
        is_status = written.isascii() and written.isdigit() and len(written) == 3
        return told if written in wanted or (is_status and written[0] in classes) else opposite

    return read


def _counted_s(value: Any, unit: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = (float(value) if isinstance(value, str) else value) / PER_SECOND[unit]
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None


def _number(written: str) -> float:
    try:
        return float(written.replace(",", "."))
    except ValueError:
        return math.nan


def _sum(parts: Collection[tuple[str, float]]) -> float | None:
    total = sum((number * _SPELT.get(unit, math.nan) for unit, number in parts), 0.0)
    return total if parts and math.isfinite(total) else None
