"""The segments of many executions as columns, one execution after the other: what kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.columns.segment_names import SegmentNames, segment_names
from tracehound.schemas.execution import ExecutionHead, whole

LONGEST_MS: Final = 1e12
"""A longer duration, of more than thirty years, counts as this one: sums and squares of what is kept are finite."""
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SegmentColumns:
    """The m segments of n executions.

    Execution i, of ``whole_ms`` (n,), owns the places ``starts[i]:starts[i + 1]`` (n + 1,) of the columns (m,):
    ``name``, a number of ``names`` for the segment's name and peer; ``duration_ms``; ``offset_ms``, NaN for a segment
    without a place in time; ``remote_ms``, NaN where the callee's own duration is not known; ``parent``, its place
    within the execution, -1 for none. ``count`` (m,) is how many each stands for, None where each stands for itself.
    """

    whole_ms: Floats
    starts: Slots
    names: SegmentNames
    name: Slots
    duration_ms: Floats
    offset_ms: Floats
    remote_ms: Floats
    parent: NDArray[np.int64]
    count: Floats | None = None

    def part(self, start: int, stop: int) -> Self:
        """The columns of the executions [``start``, ``stop``)."""
        if (start, stop) == (0, len(self.whole_ms)):
            return self
        first, last = int(self.starts[start]), int(self.starts[stop])
        return type(self)(
            self.whole_ms[start:stop],
            self.starts[start : stop + 1] - first,
            self.names,
            self.name[first:last],
            self.duration_ms[first:last],
            self.offset_ms[first:last],
            self.remote_ms[first:last],
            self.parent[first:last],
            None if self.count is None else self.count[first:last],
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The columns of one after the other, of which there is at least one, all with the same ``names``."""
        before = np.cumsum([0, *(len(part.name) for part in parts)])
        starts = [part.starts[:-1] + first for part, first in zip(parts, before, strict=False)]
        return cls(
            np.concatenate([part.whole_ms for part in parts]),
            np.concatenate([*starts, before[-1:]]),
            parts[0].names,
            np.concatenate([part.name for part in parts]),
            np.concatenate([part.duration_ms for part in parts]),
            np.concatenate([part.offset_ms for part in parts]),
            np.concatenate([part.remote_ms for part in parts]),
            np.concatenate([part.parent for part in parts]),
            None if all(part.count is None for part in parts) else np.concatenate([part.counts() for part in parts]),
        )

    def counts(self) -> Floats:
        """(m,) how many each segment stands for."""
        return np.ones(len(self.name)) if self.count is None else self.count

    def with_rows(self, rows: NDArray[np.int64], others: Self) -> Self:
        """The columns with those of ``others`` (k executions) at ``rows`` (k,), which have no segments here.

        Both have the same ``names``.
        """
        whole_ms, counts = self.whole_ms.copy(), np.diff(self.starts)
        whole_ms[rows], counts[rows] = others.whole_ms, np.diff(others.starts)
        at = np.repeat(self.starts[rows], np.diff(others.starts))
        return type(self)(
            whole_ms,
            np.concatenate([self.starts[:1], np.cumsum(counts)]),
            self.names,
            np.insert(self.name, at, others.name),
            np.insert(self.duration_ms, at, others.duration_ms),
            np.insert(self.offset_ms, at, others.offset_ms),
            np.insert(self.remote_ms, at, others.remote_ms),
            np.insert(self.parent, at, others.parent),
            None if self.count is None and others.count is None else np.insert(self.counts(), at, others.counts()),
        )


def columns_of(executions: Sequence[ExecutionHead]) -> SegmentColumns:
    """The columns of n executions.

    >>> from tracehound.schemas.execution import Execution, Segment
    >>> nested = [Segment("GET /b", 9.0, offset_ms=1.0), Segment("SELECT", 2.0, parent=0)]
    >>> columns = columns_of([Execution("shop", "GET /a", 0.0, 10.0, segments=nested)])
    >>> columns.starts.tolist(), columns.offset_ms.tolist(), columns.parent.tolist()
    ([0, 2], [1.0, nan], [-1, 0])
    """
    lists = [whole(execution).segments for execution in executions]
    segments = list(chain.from_iterable(lists))
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(one) for one in lists], out=starts[1:])
    names = segment_names()
    return SegmentColumns(
        whole_ms=durations([execution.duration_ms for execution in executions]),
        starts=starts,
        names=names,
        name=np.fromiter([names[segment.peer][segment.name] for segment in segments], np.int64, len(segments)),
        duration_ms=durations([segment.duration_ms for segment in segments]),
        offset_ms=within(known_floats([segment.offset_ms for segment in segments])),
        remote_ms=within(known_floats([segment.remote_ms for segment in segments])),
        parent=_parents([segment.parent for segment in segments]),
        count=_counts([segment.count for segment in segments]),
    )


def floats(values: list[float]) -> Floats:
    """A column of numbers; ``fromiter`` takes a list a third faster than ``array``, which first looks for its shape."""
    return np.fromiter(values, np.float64, len(values))


def durations(values: list[float]) -> Floats:
    """A column of milliseconds.

    >>> durations([1.0, 1e300]).tolist()
    [1.0, 1000000000000.0]
    """
    return within(floats(values))


def within(column: Floats) -> Floats:
    """A column of milliseconds of which none is beyond ± ``LONGEST_MS``; it is changed in place."""
    return np.clip(column, -LONGEST_MS, LONGEST_MS, out=column)


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


def _counts(values: list[int]) -> Floats | None:
    return None if values.count(1) == len(values) else np.array(values, np.float64)
