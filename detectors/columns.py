"""The segments of many executions as columns, one execution after the other: what kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Floats, Slots
from detectors.segment_names import SegmentNames, segment_names
from schemas.execution import Execution

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SegmentColumns:
    """The m segments of n executions.

    Execution i, of ``whole_ms`` (n,), owns the places ``starts[i]:starts[i + 1]`` (n + 1,) of the columns (m,):
    ``name``, a number of ``names`` for the segment's name and peer; ``duration_ms``; ``offset_ms``, NaN for a segment
    without a place in time; ``remote_ms``, NaN where the callee's own duration is not known; ``parent``, its place
    within the execution, -1 for none.
    """

    whole_ms: Floats
    starts: Slots
    names: SegmentNames
    name: Slots
    duration_ms: Floats
    offset_ms: Floats
    remote_ms: Floats
    parent: NDArray[np.int64]


def columns_of(executions: Sequence[Execution]) -> SegmentColumns:
    """The columns of n executions.

    >>> from schemas.execution import Segment
    >>> nested = [Segment("GET /b", 9.0, offset_ms=1.0), Segment("SELECT", 2.0, parent=0)]
    >>> columns = columns_of([Execution("shop", "GET /a", 0.0, 10.0, segments=nested)])
    >>> columns.starts.tolist(), columns.offset_ms.tolist(), columns.parent.tolist()
    ([0, 2], [1.0, nan], [-1, 0])
    """
    lists = [execution.segments for execution in executions]
    segments = list(chain.from_iterable(lists))
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(one) for one in lists], out=starts[1:])
    names = segment_names()
    return SegmentColumns(
        whole_ms=floats([execution.duration_ms for execution in executions]),
        starts=starts,
        names=names,
        name=np.fromiter([names[segment.peer][segment.name] for segment in segments], np.int64, len(segments)),
        duration_ms=floats([segment.duration_ms for segment in segments]),
        offset_ms=known_floats([segment.offset_ms for segment in segments]),
        remote_ms=known_floats([segment.remote_ms for segment in segments]),
        parent=_parents([segment.parent for segment in segments]),
    )


def floats(values: list[float]) -> Floats:
    """A column of numbers; ``fromiter`` takes a list a third faster than ``array``, which first looks for its shape."""
    return np.fromiter(values, np.float64, len(values))


def known_floats(values: list[float | None]) -> Floats:
    """A column of numbers, NaN where one is not known.

    >>> known_floats([1.0, None]).tolist()
    [1.0, nan]
    """
    return floats([_NAN if value is None else value for value in values])


def _parents(values: list[int | None]) -> NDArray[np.int64]:
    if values.count(None) == len(values):  # as in most batches
        return np.full(len(values), -1, np.int64)
    return np.fromiter([-1 if value is None else value for value in values], np.int64, len(values))
