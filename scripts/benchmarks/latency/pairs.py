"""From moments of appending to latencies: planted executions and their anomalies paired by trace id, percentiles."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec


class _Data(msgspec.Struct):
    exemplar_trace_ids: list[str]


class _Event(msgspec.Struct):
    data: _Data


_decode = msgspec.json.Decoder(_Event).decode


@dataclass(frozen=True, slots=True)
class Answers:
    """Milliseconds from a planted execution to its anomaly, and the trace ids of those without an anomaly."""

    latencies_ms: list[int]
    unanswered: list[str]


def trace_ids(anomaly: bytes) -> list[str]:
    """The executions that an anomaly names; none for one of a window.

    >>> trace_ids(b'{"id": "1", "data": {"kind": "latency", "exemplar_trace_ids": ["t7"]}}')
    ['t7']
    """
    return _decode(anomaly).data.exemplar_trace_ids


def pair(planted_ms: Mapping[str, int], told: Iterable[tuple[str, int]]) -> Answers:
    """Pair moments of planted executions with those of their anomalies, given by trace id; the first anomaly counts.

    >>> pair({"a": 1000, "b": 1100}, [("a", 1012), ("a", 1400), ("c", 1)])
    Answers(latencies_ms=[12], unanswered=['b'])
    """
    first: dict[str, int] = {}
    for trace_id, moment_ms in told:
        first[trace_id] = min(moment_ms, first.get(trace_id, moment_ms))
    latencies = [first[trace_id] - moment_ms for trace_id, moment_ms in planted_ms.items() if trace_id in first]
    return Answers(latencies, [trace_id for trace_id in planted_ms if trace_id not in first])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that a share of them does not exceed (nearest rank).

    Raises:
        ValueError: there are no values, or ``share`` is not above 0 and at most 1.

    >>> percentile([5, 1, 3, 2, 4], 0.5), percentile([5, 1, 3, 2, 4], 0.99)
    (3, 5)
    """
    if not values or not 0 < share <= 1:
        raise ValueError(f"A percentile needs values and a share in (0, 1]. Got {len(values)} and {share} instead.")
    return sorted(values)[math.ceil(share * len(values)) - 1]
