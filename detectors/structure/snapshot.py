"""One operation's structure as plain arrays and back."""

from typing import Any

import numpy as np

from tracehound.detectors.bank import State
from tracehound.detectors.structure.state import ENTRY, StructureState, insert_all
from tracehound.detectors.structure.stored import COLUMNS, LACKING, LARGEST_OF, ROWS, SCALARS, checked_structure


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


def put(state: StructureState, slot: int, taken: State, most_paths: int, most_sets: int) -> None:
    """Replace what ``slot`` remembers by what ``take`` returned, of so many paths and sets at most.

    Raises:
        KeyError, ValueError: it is not of this version, or damaged. The slot is left as it was.
    """
    found = checked_structure(taken, most_paths, most_sets)
    entries = _entries(found)
    state.open(slot)
    state.reserve(len(entries))
    insert_all(state.memory, slot, entries)
    operation = state.operations[slot]
    for name, value in zip(SCALARS, found["operation"].tolist(), strict=True):
        operation[name] = value
    for name, value in zip(LACKING, found["lacking"].tolist(), strict=True):
        operation[name] = value
    for name in LARGEST_OF:
        operation[name] = found[name]


def _entries(taken: State) -> Any:
    entries = np.zeros(len(taken["keys"]), ENTRY)  # type: ignore[arg-type] # an array, as it was checked
    entries["key"] = taken["keys"]
    for name, (_, fields) in COLUMNS.items():
        for field, values in zip(fields, taken[name], strict=True):  # type: ignore[arg-type]
            entries[field] = values
    for name in ROWS:
        entries[name] = taken[name]
    return entries
