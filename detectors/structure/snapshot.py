"""Operations' structures as plain arrays and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tracehound.detectors.bank import Slots, State
from tracehound.detectors.structure.state import ENTRY, StructureState, insert_those
from tracehound.detectors.structure.stored import (
    COLUMNS,
    ENTRIES,
    LACKING,
    LARGEST_OF,
    ROWS,
    SCALARS,
    checked_structures,
)


def take(state: StructureState, slot: int) -> State:
    """A copy of everything that ``slot`` remembers, its entries newest first."""
    operation, entries = state.operations[slot], state.entries[state.numbers(slot)]
    taken: State = {"operation": np.array([float(operation[name]) for name in SCALARS])}
    taken["lacking"] = np.array([int(operation[name]) for name in LACKING], np.int64)
    for name in LARGEST_OF:
        taken[name] = operation[name].copy()
    taken["keys"] = entries["key"].copy()
    for name, (dtype, fields) in COLUMNS.items():
        taken[name] = np.array([entries[field] for field in fields], dtype)
    for name in ROWS:
        taken[name] = entries[name].copy()
    return taken


def put(
    state: StructureState, slots: Slots, taken: Sequence[Mapping[str, Any]], most_paths: int, most_sets: int
) -> None:
    """Replace what ``slots`` (n,) remember by what ``take`` returned for n, each of so many paths and sets at most.

    Raises:
        KeyError, ValueError: one is not of this version, or damaged. All slots are left as they were.
    """
    found = checked_structures(taken, most_paths, most_sets)
    entries = _entries(found)
    state.reserve(len(entries))
    state.open_all(slots)
    insert_those(state.memory, slots, found[ENTRIES], entries)
    for names, of_operations in ((SCALARS, found["operation"]), (LACKING, found["lacking"])):
        for name, column in zip(names, of_operations.T, strict=True):
            state.operations[name][slots] = column
    for name in LARGEST_OF:
        state.operations[name][slots] = found[name]


def _entries(taken: dict[str, Any]) -> Any:
    entries = np.zeros(len(taken["keys"]), ENTRY)
    entries["key"] = taken["keys"]
    for name, (_, fields) in COLUMNS.items():
        for field, values in zip(fields, taken[name], strict=True):
            entries[field] = values
    for name in ROWS:
        entries[name] = taken[name]
    return entries
