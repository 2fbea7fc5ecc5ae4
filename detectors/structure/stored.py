"""What the state of an operation's structure may hold: each number by itself, and how they must fit each other."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.segment_columns import LONGEST_MS
from tracehound.detectors.packed.stored_columns import StoredArray, checked_columns
from tracehound.detectors.packed.stored_numbers import (
    COUNTED,
    EARLIEST_S,
    LARGEST,
    LATEST_S,
    Stored,
    numbers,
    whole,
)
from tracehound.detectors.structure.learning import MOST_TOKENS
from tracehound.detectors.structure.renewal import LONGEST
from tracehound.detectors.structure.state import GRID, LARGEST_COUNTS, LARGEST_RAW, LARGEST_TIMES
from tracehound.detectors.structure.tail import NEVER

_SHARE = (0.0, 1.0)
_SCORE = (-1.0, 30.0)
_AMOUNT = (0.0, LARGEST)
SCALARS: Final = {
    **dict.fromkeys(("learned", "next_renewal", "unlisted_sets"), (0.0, LONGEST)),
    "judged": (0.0, COUNTED),
    **dict.fromkeys(("peak_total", "sum_total"), _AMOUNT),
    "tokens": (0.0, MOST_TOKENS),
    **dict.fromkeys(("unusual", "deviating"), _SHARE),
    "disturbed_since": (EARLIEST_S, LATEST_S),
    "restarted": _SHARE,
    "known": (0.0, LONGEST),
    **dict.fromkeys(("new_set", "new_path"), _SCORE),
    **dict.fromkeys(("peak_mean", "sum_mean"), _AMOUNT),
    **{"peak_bound": _AMOUNT, "peak_at_bound": _SHARE, "peak_scale": _AMOUNT},
    **{"sum_bound": (0.0, NEVER), "sum_at_bound": _SHARE, "sum_scale": _AMOUNT},
}
"""Fields of an operation that are one number, and its limits; a float64 holds each exactly."""
LACKING: Final = {"lacked": (-(2**63), 2**63 - 1), "lacking": (0, COUNTED), "lacked_of": (0, LONGEST)}
"""Fields of an operation that are whole numbers, and their limits."""
COLUMNS: Final[dict[str, tuple[Any, dict[str, tuple[float, float]]]]] = {
    "numbers": (np.int32, {"is_set": _SHARE, "learned": (0, LONGEST), "known": (0, LONGEST)}),
    "totals": (np.float64, {"log_time": _AMOUNT, "total_count": _AMOUNT}),
    "frozen": (
        np.float32,
        {
            "score": _SCORE,
            **{
                "typical": (-0.5, 2.0 * LONGEST_MS),
                "bound": (-0.5, 2.0 * LONGEST_MS),
                "at_bound": _SHARE,
                "scale": _AMOUNT,
            },
            "shared_at_bound": (0.0, 10.0),
            **dict.fromkeys(("count", "count_bound"), _AMOUNT),
            **{"count_at_bound": _SHARE, "count_scale": _AMOUNT},
        },
    ),
}
"""Fields of entries, and their limits, by the matrix that they are a column of."""
ROWS: Final = {"times": LARGEST_TIMES, "counts": LARGEST_COUNTS}
_POSITIVE: Final = ("at_bound", "scale", "shared_at_bound", "count_at_bound", "count_scale")
"""What a path divides by, or takes logarithms of, once it has been frozen."""
ENTRIES: Final = "entries"


def _of_columns(dtype: Any, fields: dict[str, tuple[float, float]]) -> Stored:
    low, high = np.array(list(fields.values()), dtype).T
    return numbers(dtype, (len(fields), ENTRIES), low[:, None], high[:, None])


_STORED: Final = {
    "operation": numbers(
        *(np.float64, (len(SCALARS),), *np.array(list(SCALARS.values())).T),
        missing=np.array([name == "disturbed_since" for name in SCALARS]),
    ),
    **dict.fromkeys(("peaks", "sums"), numbers(np.float32, (LARGEST_RAW,), -1.0, LARGEST, ascending=True)),
    "pool": numbers(np.float32, (GRID,), -1e3, 1.0),
    "lacking": numbers(np.int64, (len(LACKING),), *np.array(list(LACKING.values())).T),
    "keys": numbers(np.int64, (ENTRIES,), -np.inf, np.inf),
    **{name: _of_columns(*column) for name, column in COLUMNS.items()},
    "times": numbers(np.float32, (ENTRIES, LARGEST_TIMES), -1.0, 2.0 * LONGEST_MS, ascending=True),
    "counts": numbers(np.float32, (ENTRIES, LARGEST_COUNTS), 0.0, LARGEST, ascending=True),
}
_ADDED: Final = {"lacking": np.zeros(len(LACKING), np.int64)}
LARGEST_OF: Final = ("peaks", "sums", "pool")
_LOG_MOST: Final = 1.0 + math.log(LONGEST_MS)
_ROUNDING: Final = 1e-4
_WHOLE: Final = ("learned", "known", "judged", "restarted", "unlisted_sets", "next_renewal")
_CALIBRATED: Final = ("peak_at_bound", "peak_scale", "sum_at_bound", "sum_scale")
"""What an operation divides by, or takes logarithms of, once it is known."""


def checked_structures(taken: Sequence[Mapping[str, Any]], most_paths: int, most_sets: int) -> dict[str, Any]:
    """The states of structures of so many paths and sets at most each, together; see ``checked_columns``.

    Raises:
        KeyError, ValueError: a number is not what it must be, or does not fit the others.
    """
    states = [{**state, ENTRIES: _entries_of(state["keys"])} for state in taken]
    rules = {ENTRIES: whole(0, most_paths + most_sets), **_STORED}
    found = checked_columns("structure", states, rules, _ADDED)
    owner = np.repeat(np.arange(len(states)), found[ENTRIES])
    operations = dict(zip(SCALARS, found["operation"].T, strict=True))
    entries = {"times": found["times"]}
    for matrix, (_, names) in COLUMNS.items():
        entries.update(zip(names, found[matrix], strict=True))
    sets = np.bincount(owner[entries["is_set"] == 1], minlength=len(states))
    if (sets > most_sets).any() or (found[ENTRIES] - sets > most_paths).any():
        raise ValueError(
            f"A structure must have at most {most_paths} paths and {most_sets} sets. Got {sets.max()} sets."
        )
    kept = {
        "hold no key twice": not _twice(found["keys"], owner),
        **_of_operations(operations, found["pool"]),
        **_of_entries(entries, operations["learned"][owner]),
    }
    for rule, is_kept in kept.items():
        if not is_kept:
            raise ValueError(f"A stored structure must {rule}.")
    return found


def _entries_of(keys: Any) -> int:
    shape = keys.shape if isinstance(keys, np.ndarray | StoredArray) else ()
    if len(shape) != 1:
        raise ValueError("The keys of a structure's entries must be a list.")
    return int(shape[0])


def _twice(keys: Any, owner: Any) -> bool:
    """Whether a structure has a key twice; ``owner`` (k,) says whose each of the ``keys`` (k,) is."""
    order = np.lexsort((keys, owner))
    keys, owner = keys[order], owner[order]
    return bool(((keys[1:] == keys[:-1]) & (owner[1:] == owner[:-1])).any())


def _of_operations(operations: dict[str, Any], pools: Any) -> dict[str, Any]:
    """What operations must do, and whether all do."""
    known, renewal = operations["known"] > 0.0, operations["next_renewal"]
    return {
        "count in whole numbers": not any((operations[name] % 1.0).any() for name in _WHOLE),
        "be renewed after it has learned": ((renewal >= 1.0) & (renewal >= operations["learned"])).all(),
        "be calibrated once it is known": all((operations[name][known] > 0.0).all() for name in _CALIBRATED),
        "have a shared tail that falls": (np.diff(pools) <= _ROUNDING).all(),
    }


def _of_entries(entries: dict[str, Any], executions: Any) -> dict[str, Any]:
    """What entries (k,) of operations that learned so many ``executions`` (k,) must do, and whether they do."""
    is_set, learned = entries["is_set"] == 1, entries["learned"]
    frozen = ~is_set & (entries["known"] > 0)
    timed = (entries["times"] >= 0.0).sum(axis=1)
    return {
        "learn of no entry more than of all": (learned <= executions).all(),
        "have the times that it learned": (is_set | (timed >= np.minimum(learned, LARGEST_TIMES))).all(),
        "have learned times that can be": (entries["log_time"] <= _LOG_MOST * learned).all(),
        "have learned counts that can be": (entries["total_count"] <= LARGEST * learned).all(),
        "have tails above 0": all((entries[name][frozen] > 0.0).all() for name in _POSITIVE),
        "have bounds beyond what is typical": (entries["bound"][frozen] >= entries["typical"][frozen]).all(),
    }
