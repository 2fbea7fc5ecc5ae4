"""The segments of many executions as columns, one execution after the other: what kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Floats, Slots
from schemas.execution import Execution, Segment

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SegmentColumns:
    """The m segments of n executions.

    Execution i, of ``whole_ms`` (n,), owns the places ``starts[i]:starts[i + 1]`` (n + 1,) of ``segments`` and of its
    columns (m,): ``duration_ms``; ``offset_ms``, NaN for a segment without a place in time; ``parent``, its place
    within the execution, -1 for none.
    """

    whole_ms: Floats
    starts: Slots
    segments: list[Segment]
    duration_ms: Floats
    offset_ms: Floats
    parent: NDArray[np.int64]


def columns_of(executions: Sequence[Execution]) -> SegmentColumns:
    """The columns of n executions.

    >>> nested = [Segment("GET /b", 9.0, offset_ms=1.0), Segment("SELECT", 2.0, parent=0)]
    >>> columns = columns_of([Execution("shop", "GET /a", 0.0, 10.0, segments=nested)])
    >>> columns.starts.tolist(), columns.offset_ms.tolist(), columns.parent.tolist()
    ([0, 2], [1.0, nan], [-1, 0])
    """
    lists = [execution.segments for execution in executions]
    segments = list(chain.from_iterable(lists))
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(one) for one in lists], out=starts[1:])
    return SegmentColumns(
        whole_ms=np.array([execution.duration_ms for execution in executions], np.float64),
        starts=starts,
        segments=segments,
        duration_ms=np.array([segment.duration_ms for segment in segments], np.float64),
        offset_ms=np.array([_NAN if (at := segment.offset_ms) is None else at for segment in segments], np.float64),
        parent=np.array([-1 if (at := segment.parent) is None else at for segment in segments], np.int64),
    )
