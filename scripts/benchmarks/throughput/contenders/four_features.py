"""The features that every contender with a model of its own gives to it, from the JSON of one execution."""

from collections.abc import Mapping
from typing import Any


def four_features(execution: Mapping[str, Any]) -> dict[str, float]:
    """Duration and longest segment (in seconds), number of segments (in twenties) and error, each in [0, 1].

    >>> four_features({"duration_ms": 50.0, "segments": [{"duration_ms": 20.0}], "status": "error"})
    {'duration': 0.05, 'segments': 0.05, 'longest': 0.02, 'error': 1.0}
    """
    return {
        "duration": min(1.0, execution["duration_ms"] / 1000),
        "segments": min(1.0, len(execution["segments"]) / 20),
        "longest": min(1.0, max(segment["duration_ms"] for segment in execution["segments"]) / 1000),
        "error": float(execution.get("status") == "error"),
    }
