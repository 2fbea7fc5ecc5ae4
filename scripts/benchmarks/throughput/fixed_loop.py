"""A fixed piece of work that nothing changes: what it takes says how fast the machine is at the moment."""

import time
from typing import Final

_STEPS: Final = 4_000_000
_MODULUS: Final = (1 << 31) - 1
_FACTOR: Final = 48_271


def loop(steps: int) -> int:
    """A number that so many steps of a generator of Lehmer lead to: pure CPU, and no memory to speak of.

    >>> loop(10_000)
    399268537
    """
    value = 1
    for _ in range(steps):
        value = value * _FACTOR % _MODULUS
    return value


def time_fixed_loop() -> float:
    """How many seconds it takes now."""
    begun_s = time.perf_counter()
    loop(_STEPS)
    return time.perf_counter() - begun_s
