"""One operation's structure as plain arrays and back."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import State
from tracehound.detectors.structure.state import (
    ENTRY,
    GRID,
    LARGEST_COUNTS,
    LARGEST_RAW,
    LARGEST_TIMES,
    StructureState,
    insert,
)

_LARGEST: Final = {"peaks": LARGEST_RAW, "sums": LARGEST_RAW, "pool": GRID}
_SCALARS: Final = (
    *("learned", "next_renewal", "unlisted_sets", "judged", "peak_total", "sum_total"),
    *("tokens", "unusual", "deviating", "disturbed_since", "restarted"),
    *("known", "new_set", "new_path"),
    *("peak_mean", "sum_mean"),
    *("peak_bound", "peak_at_bound", "peak_scale", "sum_bound", "sum_at_bound", "sum_scale"),
)
"""Fields of an operation that are one number; a float64 holds each exactly."""
_COLUMNS: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "numbers": (np.int32, ("is_set", "learned", "known")),
    "totals": (np.float64, ("log_time", "total_count")),
    "frozen": (
        np.float32,
        (
            *("score", "typical", "bound", "at_bound", "scale", "shared_at_bound"),
            *("count", "count_bound", "count_at_bound", "count_scale"),
        ),
    ),
}
"""Fields of entries by the matrix that they are a column of."""
_ROWS: Final = {"times": LARGEST_TIMES, "counts": LARGEST_COUNTS}


def take(state: StructureState, slot: int) -> State:
    """A copy of everything that ``slot`` remembers, its entries newest first."""
    operation, entries = state.operations[slot], state.entries[state.numbers(slot)]
    taken: State = {"operation": np.array([float(operation[name]) for name in _SCALARS])}
    for name in _LARGEST:
        taken[name] = operation[name].copy()
    taken["keys"] = entries["key"].copy()
    for name, (dtype, fields) in _COLUMNS.items():
        taken[name] = np.array([entries[field] for field in fields], dtype)
    for name in _ROWS:
        taken[name] = entries[name].copy()
    return taken


def put(state: StructureState, slot: int, taken: State) -> None:
    """Replace what ``slot`` remembers by what ``take`` returned.

    Raises:
        KeyError, ValueError: it is not of this version, or damaged. The slot is left as it was.
    """
    entries = _entries(taken)
    scalars = _array(taken, "operation", (len(_SCALARS),))
    largest = {name: _array(taken, name, (size,)) for name, size in _LARGEST.items()}
    state.open(slot)
    state.reserve(len(entries))
    for one in entries[::-1]:  # an entry goes to the front of its list
        number = insert(
            state.operations, state.entries, state.index, state.free, slot, int(one["key"]), bool(one["is_set"])
        )
        for name in entries.dtype.names or ():
            if name not in ("slot", "next", "seen"):
                state.entries[number][name] = one[name]
    operation = state.operations[slot]
    for name, value in zip(_SCALARS, scalars, strict=True):
        operation[name] = value
    for name, values in largest.items():
        operation[name] = values


def _entries(taken: State) -> Any:
    keys = np.asarray(taken["keys"], np.int64)
    if keys.ndim != 1 or len(np.unique(keys)) != len(keys):
        raise ValueError(f"The keys of a structure's entries must be a list without repetition. Got {keys.shape}.")
    entries = np.zeros(len(keys), ENTRY)
    entries["key"] = keys
    for name, (_, fields) in _COLUMNS.items():
        for field, values in zip(fields, _array(taken, name, (len(fields), len(keys))), strict=True):
            entries[field] = values
    for name, size in _ROWS.items():
        entries[name] = _array(taken, name, (len(keys), size))
    return entries


def _array(taken: State, name: str, shape: tuple[int, ...]) -> Any:
    found = np.asarray(taken[name])
    if found.shape != shape:
        raise ValueError(f"The array '{name}' of a structure must have the shape {shape}. Got {found.shape} instead.")
    return found
