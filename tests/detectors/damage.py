"""States in which one number was changed: what may be refused, and must not harm where it is taken over."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

Path = tuple[Any, ...]

_WHOLE = (-1, -(2**31), 2**31 - 1, 10**6, 2**63 - 1, -(2**63), 5)
_REAL = (float("nan"), float("inf"), float("-inf"), 1e300, -1e300, -1.0, 0.0)
_NUMBERS: tuple[Any, ...] = (*_WHOLE, *_REAL, 1.5, "x", None, [], True)
_OTHERS: tuple[Any, ...] = (0, -1, "zzz", None, 1e300, [], {})


def changes(state: Any) -> Iterator[tuple[Path, Any, Any]]:
    """Where a state was changed, to what, and the changed state: each number in turn, in every way that may hurt."""
    for path, value in _leaves(state, ()):
        for change in _instead_of(value):
            yield path, change, _changed(state, path, change)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value[:2]):
            yield from _leaves(part, (*path, place))
    else:
        yield path, value


def _instead_of(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        yield value[:-1] if value.ndim else None
        yield np.concatenate([value, value]) if value.ndim else None
        yield value.tolist()
        yield value.astype(np.float32 if value.dtype != np.float32 else np.float64)
        for place in sorted({0, value.size // 2, value.size - 1}) if value.size else ():
            for number in _REAL if value.dtype.kind == "f" else _WHOLE:
                changed = value.copy()
                with np.errstate(over="ignore"):
                    changed.flat[place] = np.array(number).astype(value.dtype)
                yield changed
    else:
        number = isinstance(value, int | float | np.generic) and not isinstance(value, bool)
        yield from _NUMBERS if number else _OTHERS


def _changed(state: Any, path: Path, change: Any) -> Any:
    if not path:
        return change
    shallow = copy.copy(state)
    shallow[path[0]] = _changed(state[path[0]], path[1:], change)
    return shallow
