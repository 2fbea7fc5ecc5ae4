"""Signals in words: what a number of an anomaly is of, as people say it."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "duration_ms": "duration",
    "self_ms": "time in its own code",
    "local_ms": "time without the calls that other services answer",
    "segment_ms": "duration of a segment",
    "call_ms": "duration of calls",
    "call_gap_ms": "time of calls that the callee did not need",
    "queue_gap_ms": "time that messages wait",
    "memory_peak_mb": "memory at its peak",
    "traffic": "executions a second",
    "window_latency": "durations of a time, by where they lie among usual ones",
    "window_errors": "share that fails",
    "error_rate": "share that fails",
    "error_type": "executions that fail in a new way",
    "structure_set": "segments that occur together",
    "template_rate": "log events like this a second",
    "concurrency": "executions at the same time",
    "silence_ms": "time without any execution",
    "stopped_operations": "executions a second of operations that stopped",
}


def in_words(signal: str) -> str:
    """What a signal is; one that is not known is said as it is named.

    >>> in_words("call_ms"), in_words("cache_misses")
    ('duration of calls', 'cache misses')
    """
    return WORDS.get(signal) or signal.replace("_", " ")
