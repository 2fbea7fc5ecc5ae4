"""Which numbers of an execution are kept: what it took, what came out, and attributes that tell nobody's identity."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from tracehound.console.executions.sketch import LARGEST
from tracehound.detectors.features.attributes import is_public
from tracehound.schemas.execution import ExecutionHead

DURATION: Final = "duration_ms"
ATTRIBUTE: Final = "attributes."
"""What the names of numbers begin with that are attributes."""
MOST_ATTRIBUTES: Final = 16
"""Attributes with numbers that are kept of an operation and window; those that most executions have."""
LONGEST_RESULT: Final = 64
_LOOKED_AT = 64


def numbers_of(execution: ExecutionHead, private: frozenset[str]) -> Iterator[tuple[str, float]]:
    """The numbers of an execution that are kept of it, by name; attributes whose name is ``private`` are left out.

    >>> one = ExecutionHead("shop", "GET /", 0.0, 5.0, result=200, attributes={"value": 0.5, "user_id": 7, "tier": "a"})
    >>> dict(numbers_of(one, frozenset({"user"})))
    {'duration_ms': 5.0, 'result': 200.0, 'attributes.value': 0.5}
    """
    yield DURATION, execution.duration_ms
    if isinstance(execution.result, int):
        yield "result", float(execution.result)
    if execution.cpu_ms is not None:
        yield "cpu_ms", execution.cpu_ms
    if execution.memory_peak_mb is not None:
        yield "memory_peak_mb", execution.memory_peak_mb
    if execution.attributes:
        for name, value in islice(execution.attributes.items(), _LOOKED_AT):
            if type(value) in (int, float) and -LARGEST <= value <= LARGEST and is_public(name, private):
                yield ATTRIBUTE + name, float(value)


def result_of(execution: ExecutionHead) -> str:
    """What came out of an execution, in few words; empty where it says nothing, or too much.

    >>> result_of(ExecutionHead("shop", "GET /", 0.0, 5.0, result=200)), result_of(ExecutionHead("shop", "a", 0.0, 5.0))
    ('200', '')
    """
    result = execution.result
    if result is None:
        return ""
    text = str(result)
    return text if len(text) <= LONGEST_RESULT and text.isprintable() else ""
