"""What executions are made of: the call paths of their segments, how many there are of each and their time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.columns.segment_columns import SegmentColumns, columns_of
from tracehound.detectors.columns.segment_names import segment_names
from tracehound.detectors.features.profile import OWN_CODE, part_name
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.packed.secret import SECRET_FACTOR
from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation

WHOLE: Final = 1
"""The path of the execution itself: its time is the duration."""
OTHER: Final = 2
"""The path that all those share which came after the limit of paths of an operation."""
_LONGEST_NAME: Final = 500
"""Letters of the readable name of a nested path; of a longer one only the innermost segment is shown."""
_FACTOR = np.uint64(SECRET_FACTOR)
_FIRST, _SECOND = np.uint64(0x5851F42D4C957F2D), np.uint64(0x94D049BB133111EB)


PATH: Final = np.dtype([("path", np.int64), ("count", np.float64), ("time_ms", np.float64)])
"""One path of one execution: an entry of ``Paths``."""


@dataclass(frozen=True, slots=True)
class Paths:
    """What n executions are made of, ragged.

    Row i owns the entries ``starts[i]:starts[i + 1]`` (n + 1,). Each of the ``entries`` (m,) is a record: ``path``, a
    63-bit hash of the segment's name, peer and the names of its enclosing segments, distinct within a row; ``count``,
    how many segments of the execution have that path; ``time_ms``, their summed duration. The first entry of a row is
    ``WHOLE``, the execution itself.
    """

    starts: Slots
    entries: NDArray[np.void]

    path = RecordField[NDArray[np.int64]](records="entries")
    count = RecordField[Floats](records="entries")
    time_ms = RecordField[Floats](records="entries")


def paths_of(executions: Sequence[Execution]) -> Paths:
    """The paths of n executions, in order of first appearance within each.

    >>> from tracehound.schemas.execution import Segment
    >>> one = Execution("shop", "GET /cart", 0.0, 50.0, segments=[Segment("SELECT", 2.0), Segment("SELECT", 3.0)])
    >>> paths = paths_of([one])
    >>> paths.starts.tolist(), paths.count.tolist(), paths.time_ms.tolist()
    ([0, 2], [1.0, 2.0], [50.0, 5.0])
    """
    return paths_in(columns_of(executions))


def paths_in(columns: SegmentColumns) -> Paths:
    """``paths_of`` executions, given their segments as columns."""
    names, rows = columns.names.path[columns.name], len(columns.whole_ms)
    starts, entries = np.zeros(rows + 1, np.int64), np.empty(len(names) + rows, PATH)
    _combine(columns.starts, columns.whole_ms, names, columns.parent, columns.duration_ms, _FACTOR, starts, entries)
    return Paths(starts, entries[: starts[-1]])


def path_hashes(execution: Execution) -> list[int]:
    """The path of each segment of one execution, in the order of its segments."""
    names = segment_names()
    found: list[int] = []
    for index, segment in enumerate(execution.segments):
        enclosing = segment.parent
        number = names[segment.peer][segment.name]  # first: a new one may put a longer array in place of this one
        name = int(names.path[number])
        found.append(
            int(_nested(found[enclosing], name)) if enclosing is not None and enclosing < index else max(name, 3)
        )
    return found


def path_names(execution: Execution) -> dict[int, str]:
    """A readable name for each path of one execution: "GET /cart > SELECT", with the service called in brackets."""
    names = {WHOLE: execution.operation}
    labels: list[str] = []
    for index, (segment, path) in enumerate(zip(execution.segments, path_hashes(execution), strict=True)):
        own = f"{normalize_operation(segment.name)} [{segment.peer}]" if segment.peer else segment.name
        inside = segment.parent is not None and segment.parent < index
        labels.append(_name_within(labels[segment.parent or 0], own) if inside else own)
        names.setdefault(path, labels[-1])
    return names


def _name_within(enclosing: str, own: str) -> str:
    """Of bounded length: the names of segments nested thousands deep would otherwise take gigabytes together."""
    return f"{enclosing} > {own}" if len(enclosing) + len(own) < _LONGEST_NAME else f"… > {own}"


def named_paths(execution: Execution) -> dict[int, tuple[str, str]]:
    """For each path of one execution its readable name, and the part of the execution that it belongs to.

    >>> from tracehound.schemas.execution import Segment
    >>> cart = Execution("shop", "GET /cart", 0.0, 50.0, segments=[Segment("GET /price/7", 2.0, peer="prices")])
    >>> list(named_paths(cart).values())
    [('GET /cart', 'its own code'), ('GET /price/{id} [prices]', 'calls to prices')]
    """
    parts = {WHOLE: OWN_CODE}
    for segment, path in zip(execution.segments, path_hashes(execution), strict=True):
        parts.setdefault(path, part_name(segment))
    return {path: (name, parts[path]) for path, name in path_names(execution).items()}


@njit(cache=True)
def _nested(enclosing: Any, name: Any) -> Any:
    """The path of a segment ``name`` within the path ``enclosing``: order matters."""
    mixed = np.uint64(enclosing) * _FIRST + np.uint64(name)  # (unsigned: signed overflow is not defined)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _SECOND
    return max(np.int64(mixed >> np.uint64(1)), 3)


@njit(cache=True)
def _combine(
    offsets: Any, durations: Any, names: Any, parents: Any, times: Any, factor: Any, starts: Any, entries: Any
) -> None:
    """Segments of the same path made one entry; a slot table per row finds them, by a ``factor`` that nobody knows."""
    rows = durations.size
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size, shift = 4, np.uint64(62)
    while size < 2 * longest:
        size, shift = 2 * size, shift - np.uint64(1)
    table, owner = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    own = np.empty(longest, np.int64)
    filled = 0
    for row in range(rows):
        whole = entries[filled]
        whole.path, whole.count, whole.time_ms = WHOLE, 1.0, durations[row]
        filled += 1
        first = offsets[row]
        for index in range(offsets[row + 1] - first):
            enclosing = parents[first + index]
            name = names[first + index]
            here = _nested(own[enclosing], name) if 0 <= enclosing < index else max(name, 3)
            own[index] = here
            place = np.int64((np.uint64(here) * factor) >> shift)
            while owner[place] == row and entries[table[place]].path != here:
                place = (place + 1) & (size - 1)
            if owner[place] != row:
                owner[place], table[place] = row, filled
                fresh = entries[filled]
                fresh.path, fresh.count, fresh.time_ms = here, 0.0, 0.0
                filled += 1
            entry = entries[table[place]]
            entry.count += 1.0
            entry.time_ms += times[first + index]
        starts[row + 1] = filled
