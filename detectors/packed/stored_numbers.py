"""What the numbers of a stored state may be, checked before compiled code sees them, which checks no bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.packed.compiling import njit

EARLIEST_S: Final = -62_135_596_800.0
LATEST_S: Final = 253_402_300_799.0
"""Event times lie in the years 1 to 9999, as in RFC 3339; epoch seconds."""
Moment = Annotated[float, msgspec.Meta(ge=EARLIEST_S, le=LATEST_S)]
COUNTED: Final = 2**53
"""No count is larger, so that single ones may still be added, and each is exact as a float64 too."""
LARGEST: Final = 1e18
"""Amounts lie within ± this: their squares and sums over any window stay finite."""
LARGEST_SINGLE: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Stored:
    """What one entry of a stored state must be: a number, or with a ``shape`` an array of them.

    ``low`` to ``high`` is where each number lies, the limits included; NaN only where it may be ``missing``: all three
    may be arrays, for an array whose places are of different kinds. A name in ``shape`` stands for the number of that
    name in the same state, which is checked before. ``ascending`` arrays do not fall along their last axis. ``whole``
    is for single numbers, since arrays have a ``dtype``.
    """

    low: Any
    high: Any
    whole: bool = False
    missing: Any = False
    dtype: Any = None
    shape: tuple[int | str, ...] = ()
    ascending: bool = False

    def check(self, owner: str, name: str, value: Any, others: Mapping[str, Any]) -> Any:
        """The value as it may be taken over.

        Raises:
            ValueError: it breaks the rule; the message names owner, entry, rule and value.
        """
        if self.dtype is None:
            return self._number(owner, name, value)
        shape = tuple([others[size] if isinstance(size, str) else size for size in self.shape])
        if not isinstance(value, np.ndarray) or value.dtype != self.dtype or value.shape != shape:
            got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            raise ValueError(f"The {name!r} of {owner} must be an array of {self.dtype} {shape}. Got {got} instead.")
        if not value.size:  # as are most of those that hold what deviates
            return value
        if not self.lies_within(value):
            fits = (value >= self.low) & (value <= self.high)
            if not fits.all():
                self._refuse_beyond(owner, name, value, fits)
        if self.ascending and not _ascends(value.reshape(-1, value.shape[-1])):
            raise ValueError(f"The {name!r} of {owner} must ascend.")
        return value

    def lies_within(self, values: NDArray[Any]) -> bool:
        """Whether all of an array do, none of them NaN; False also where only NumPy can tell, as limits are arrays."""
        of_numbers = type(self.low) is float and type(self.high) is float
        return of_numbers and bool(_lies_within(values.ravel(), self.low, self.high))

    def _number(self, owner: str, name: str, value: Any) -> Any:
        number = value.item() if isinstance(value, np.generic) else value
        kind = type(number)
        of_kind = kind is int or (kind is float and not self.whole)
        if of_kind and (self.low <= number <= self.high or (self.missing and number != number)):
            return number
        what, rule = "whole number" if self.whole else "number", _rule(self.low, self.high, self.missing)
        raise ValueError(f"The {name!r} of {owner} must be a {what} {rule}. Got {value!r:.80} instead.")

    def _refuse_beyond(self, owner: str, name: str, value: Any, fits: Any) -> None:
        beyond = ~(fits | (np.isnan(value) & self.missing))
        if beyond.any():
            at = tuple(np.argwhere(beyond)[0].tolist())
            rule = _rule(*(np.broadcast_to(limit, value.shape)[at] for limit in (self.low, self.high, self.missing)))
            raise ValueError(f"The {name!r} of {owner} must at {at} be a number {rule}. Got {value[at]:g} instead.")


@njit(cache=True)
def _lies_within(values: Any, low: float, high: float) -> bool:
    """Whether all of ``values`` (n,) do, none of them NaN: in one pass, where NumPy takes four."""
    within = True
    for i in range(values.size):
        within &= low <= values[i] <= high
    return within


@njit(cache=True)
def _ascends(values: Any) -> bool:
    """Whether no row of ``values`` (n, m) falls anywhere; NaN is not less than anything."""
    falls = False
    for i in range(values.shape[0]):
        for k in range(1, values.shape[1]):
            falls |= values[i, k] < values[i, k - 1]
    return not falls


def _rule(low: float, high: float, missing: bool) -> str:
    return f"from {low:g} to {high:g}" + (", or NaN" if missing else "")


def whole(low: int, high: int = COUNTED) -> Stored:
    """A whole number."""
    return Stored(low, high, whole=True)


def real(low: float, high: float, *, missing: bool = False) -> Stored:
    """A number; NaN only where it may be ``missing``. An infinite limit may be reached."""
    return Stored(low, high, missing=missing)


def moment(*, missing: bool = False, never: bool = False) -> Stored:
    """An event time in epoch seconds; NaN where it may be ``missing``, −∞ where it may ``never`` have been."""
    return Stored(-np.inf if never else EARLIEST_S, LATEST_S, missing=missing)


def numbers(
    dtype: Any, shape: tuple[int | str, ...], low: Any, high: Any, *, missing: Any = False, ascending: bool = False
) -> Stored:
    """An array of numbers; see ``Stored``."""
    if not (isinstance(low, np.ndarray) or isinstance(high, np.ndarray)):
        low, high = float(low), float(high)  # one kind, for the kernel
    return Stored(low, high, missing=missing, dtype=np.dtype(dtype), shape=shape, ascending=ascending)


def checked(
    owner: str, state: Any, rules: Mapping[str, Stored], added: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The entries of ``state`` that ``rules`` name, each as it may be; ``owner`` is whose state it is ("a chart").

    ``added`` is what entries are that earlier versions, from 0.1.0 on, did not store.

    Raises:
        KeyError: an entry is missing.
        ValueError: an entry is not what it must be.

    >>> rules = {"count": whole(0, 3), "kept": numbers(np.float32, ("count",), 0.0, 9.0)}
    >>> checked("a sample", {"count": 1, "kept": np.array([2.5], np.float32)}, rules)["kept"].tolist()
    [2.5]
    >>> checked("a sample", {"count": 4, "kept": np.zeros(4, np.float32)}, rules)
    Traceback (most recent call last):
        ...
    ValueError: The 'count' of a sample must be a whole number from 0 to 3. Got 4 instead.
    """
    if not isinstance(state, Mapping):
        raise ValueError(f"The state of {owner} must be numbers and arrays by their names. Got {state!r:.80} instead.")
    taken: dict[str, Any] = {}
    for name, rule in rules.items():
        value = added[name] if added is not None and name in added and name not in state else state[name]
        kind = type(value)
        of_kind = rule.dtype is None and (kind is int or (kind is float and not rule.whole))
        fits = of_kind and rule.low <= value <= rule.high  # as nearly all do, without a call for each
        taken[name] = value if fits else rule.check(owner, name, value, taken)
    return taken
