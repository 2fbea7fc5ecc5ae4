"""What the JSON documents of quality benchmarks have in common: rounded figures, and where they were measured."""

import math
import os
import platform
from pathlib import Path
from typing import Any

DIGITS = 6


def rounded(value: Any) -> Any:
    """Figures, also nested, to as many digits as mean something; what is undefined becomes None.

    >>> rounded({"share": 1 / 3, "ratios": [float("nan"), 2]})
    {'share': 0.333333, 'ratios': [None, 2]}
    """
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value


def machine() -> dict[str, Any]:
    """The processor, its cores, and the version of Python."""
    return {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _processor() -> str:
    """The processor's name where the system tells, else its architecture."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
