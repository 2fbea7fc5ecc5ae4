"""States of many keys at once: what their numbers may be is asked of whole columns, and no longer key by key."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.packed.stored_numbers import Stored, checked

DTYPES: Final = frozenset({"float32", "float64", "int8", "int16", "int32", "int64", "uint8"})
_DTYPE, _SHAPE, _DATA = attrgetter("dtype"), attrgetter("shape"), attrgetter("data")
_WHOLE, _NUMBERS = frozenset({int}), frozenset({int, float})


class StoredArray(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An array as it is stored: ``data`` are its numbers, little endian, row by row."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def array(self) -> NDArray[Any]:
        """A copy of the array.

        Raises:
            ValueError: it is not one of numbers, or has others than its shape says.
        """
        if self.dtype not in DTYPES:
            raise ValueError(f"A snapshot's arrays must be numbers. Got the type {self.dtype!r} instead.")
        return np.frombuffer(self.data, self.dtype).reshape(self.shape).copy()


StoredKey = dict[str, int | float | StoredArray]
"""The state of one key of one detector, as it is read: numbers and arrays by their names."""


def plain(value: Any) -> Any:
    """An array, where ``value`` is a stored one, else ``value``."""
    return value.array() if type(value) is StoredArray else value


class RestoredTogether(ABC):
    """What has many keys, and takes over the states of several of them at once."""

    @abstractmethod
    def restore_many(self, slots: NDArray[np.int64], states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of the keys in ``slots`` (n,), no two alike, by n that ``snapshot`` returned.

        Where one of them is refused all keys are as they were.

        Raises:
            KeyError, ValueError: one is no such state.
        """

    def restore(self, slot: int, state: Mapping[str, Any]) -> None:
        """Replace one key's state by one that ``snapshot`` returned; see ``restore_many``."""
        self.restore_many(np.array([slot]), [state])


def checked_columns(
    owner: str,
    states: Sequence[Any],
    rules: Mapping[str, Stored],
    added: Mapping[str, Any] | None = None,
) -> dict[str, NDArray[Any]]:
    """``detectors.packed.stored_numbers.checked`` for the states of n keys: of each entry all that they hold.

    A number is an array (n,), an array of one shape (n, …), and one whose shape names another entry is put together
    along that axis, key after key.

    Raises:
        KeyError: an entry is missing.
        ValueError: an entry is not what it must be.

    >>> from tracehound.detectors.packed.stored_numbers import numbers, whole
    >>> rules = {"count": whole(0, 3), "kept": numbers(np.float32, ("count",), 0.0, 9.0)}
    >>> one, other = ({"count": n, "kept": np.arange(n, dtype=np.float32)} for n in (1, 3))
    >>> {name: column.tolist() for name, column in checked_columns("a sample", [one, other], rules).items()}
    {'count': [1, 3], 'kept': [0.0, 0.0, 1.0, 2.0]}
    >>> checked_columns("a sample", [one, {"count": 4, "kept": np.zeros(4, np.float32)}], rules)
    Traceback (most recent call last):
        ...
    ValueError: The 'count' of a sample must be a whole number from 0 to 3. Got 4 instead.
    """
    for state in states:
        if type(state) is not dict and not isinstance(state, Mapping):
            raise ValueError(
                f"The state of {owner} must be numbers and arrays by their names. Got {state!r:.80} instead."
            )
    if len(states) == 1:  # which costs less by numbers than by columns of one
        one = checked(owner, {name: plain(value) for name, value in states[0].items()}, rules, added)
        return {name: one[name] if _axis(rule) is not None else np.array([one[name]]) for name, rule in rules.items()}
    columns: dict[str, NDArray[Any]] = {}
    for name, rule in rules.items():
        try:
            values = list(map(itemgetter(name), states))
        except KeyError:
            if added is None or name not in added:
                raise
            absent = added[name]
            values = [state.get(name, absent) for state in states]
        if rule.dtype is None:
            columns[name] = _numbers(owner, name, values, rule)
        else:
            columns[name] = _arrays(owner, name, values, rule, columns)
    return columns


def _numbers(owner: str, name: str, values: list[Any], rule: Stored) -> NDArray[Any]:
    kinds = set(map(type, values))
    if kinds <= (_WHOLE if rule.whole else _NUMBERS):
        try:
            column = np.array(values, np.int64 if rule.whole else np.float64)
        except OverflowError:  # which no rule allows
            pass
        else:
            if _within(rule, column):
                return column
    # One is of another type, or to be refused in words.
    checked = [rule.check(owner, name, value, {}) for value in values]
    return np.array(checked, np.int64 if rule.whole else np.float64)


def _axis(rule: Stored) -> int | None:
    """The axis of an array that is as long as another entry says."""
    return next((place for place, size in enumerate(rule.shape) if isinstance(size, str)), None)


def _arrays(
    owner: str, name: str, values: list[Any], rule: Stored, columns: Mapping[str, NDArray[Any]]
) -> NDArray[Any]:
    axis = _axis(rule)
    sizes: dict[str, list[int]] = {}
    shapes: list[Any] = [rule.shape] * len(values)
    if axis is not None:
        named, before, after = str(rule.shape[axis]), rule.shape[:axis], rule.shape[axis + 1 :]
        sizes[named] = columns[named].tolist()
        shapes = [(*before, size, *after) for size in sizes[named]]
    if not values:
        none = [0 if isinstance(size, str) else size for size in rule.shape]
        return np.zeros(none if axis is not None else [0, *none], rule.dtype)
    column = _joined(values, rule.dtype, shapes, axis)
    if column is not None and _keeps(rule, column, sizes, axis):
        return column
    checked = [
        rule.check(owner, name, plain(value), {size: of_keys[key] for size, of_keys in sizes.items()})
        for key, value in enumerate(values)
    ]
    return np.stack(checked) if axis is None else np.concatenate(checked, axis)


def _joined(values: list[Any], dtype: Any, shapes: list[tuple[int, ...]], axis: int | None) -> NDArray[Any] | None:
    """All arrays as one; None where they are not all stored ones of their type and shape."""
    if set(map(type, values)) != {StoredArray} or set(map(_DTYPE, values)) != {dtype.name}:
        return None
    data = list(map(_DATA, values))
    if list(map(_SHAPE, values)) != shapes or list(map(len, data)) != [dtype.itemsize * n for n in map(prod, shapes)]:
        return None
    if axis:  # what is put together lies within each
        parts = [np.frombuffer(one, dtype).reshape(shape) for one, shape in zip(data, shapes, strict=True)]
        return np.concatenate(parts, axis)
    rows = (len(data), *shapes[0]) if axis is None else (-1, *shapes[0][1:])
    return np.frombuffer(bytearray().join(data), dtype).reshape(rows)


def _within(rule: Stored, column: NDArray[Any]) -> bool:
    """Whether all numbers of a column are within limits, or missing (NaN) where they may be."""
    if rule.dtype is not None and rule.lies_within(column):
        return True
    fits = (column >= rule.low) & (column <= rule.high)
    return bool(fits.all()) or (rule.missing is not False and bool((fits | (np.isnan(column) & rule.missing)).all()))


def _keeps(rule: Stored, column: NDArray[Any], sizes: Mapping[str, list[int]], axis: int | None) -> bool:
    """Whether all numbers of a column are what they may be, and ascend where they must."""
    if not column.size:
        return True
    if not _within(rule, column):
        return False
    if not rule.ascending:
        return True
    falls = column[..., 1:] < column[..., :-1]
    if not falls.any():
        return True
    if axis is None or column.ndim > 1:
        return False
    begins = np.cumsum(next(iter(sizes.values())))  # one key's numbers may end above where the next one's begin
    return bool(np.isin(np.flatnonzero(falls) + 1, begins).all())
