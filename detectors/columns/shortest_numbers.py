"""Numbers written in JSON by kernels: with as few digits as tell a double from all others, as Python writes them."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import bits_of, upper_half
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

LONGEST_NUMBER: Final = 32
"""Bytes that a number may take while it is written."""
NOT_WRITTEN: Final = -1
LEAST, BELOW = 1e-5, 1e16
"""Numbers from one up to the other, and 0, are written here; for others there is Python."""
_FIRST_POWER, _LAST_POWER = -2, 24
_HIDDEN, _FRACTION = np.uint64(1 << 52), np.uint64((1 << 52) - 1)
_0, _1, _2, _4, _10, _40 = (np.uint64(number) for number in (0, 1, 2, 4, 10, 40))


def _power(exponent: int) -> Any:
    """The 128 most significant bits of a power of ten, rounded up where they are not exact."""
    if exponent >= 0:
        surplus = (10**exponent).bit_length() - 128
        return 10**exponent << -surplus if surplus <= 0 else -(-(10**exponent) >> surplus)
    divisor = 10**-exponent
    return -(-(1 << (127 + divisor.bit_length())) // divisor)


_POWERS: Final = np.array(
    [[_power(each) >> 64, _power(each) & 2**64 - 1] for each in range(_FIRST_POWER, _LAST_POWER + 1)], np.uint64
)


@njit(**LEAN)
def _rounded_to_odd(high: Any, low: Any, factor: Any) -> Any:
    """The upper 64 of 192 bits of a product; the last one is set where anything follows that is not 0."""
    middle = high * factor + upper_half(low, factor)
    upper = upper_half(high, factor) + (_1 if middle < high * factor else _0)
    return upper | (_1 if middle > _1 else _0)


@njit(**LEAN)
def _shortest(number: float) -> Any:
    """Digits and power of ten of the shortest decimal that is nearer to this double than to any other.

    Source: R. Giulietti, "The Schubfach way to render doubles", 2021.
    """
    bits = bits_of(number)
    fraction, exponent = bits & _FRACTION, np.int64(bits >> np.uint64(52)) - 1075
    digits = fraction | _HIDDEN
    if -53 < exponent <= 0 and (digits >> np.uint64(-exponent)) << np.uint64(-exponent) == digits:
        return digits >> np.uint64(-exponent), 0
    odd, closer = digits & _1, fraction == _0
    power = (exponent * 1262611 - (524031 if closer else 0)) >> 22
    shift = np.uint64(exponent + ((-power * 1741647) >> 19) + 1)
    high, low = _POWERS[-power - _FIRST_POWER, 0], _POWERS[-power - _FIRST_POWER, 1]
    lowest = _rounded_to_odd(high, low, (_4 * digits - _2 + (_1 if closer else _0)) << shift) + odd
    value = _rounded_to_odd(high, low, (_4 * digits) << shift)
    highest = _rounded_to_odd(high, low, (_4 * digits + _2) << shift) - odd
    short = value // _4
    tenth = short // _10
    below_fits, above_fits = lowest <= _40 * tenth, _40 * tenth + _40 <= highest
    if short >= _10 and below_fits != above_fits:
        return tenth + (_1 if above_fits else _0), power + 1
    below_fits, above_fits = lowest <= _4 * short, _4 * short + _4 <= highest
    if below_fits != above_fits:
        return short + (_1 if above_fits else _0), power
    middle = _4 * short + _2
    up = value > middle or (value == middle and (short & _1) != _0)
    return short + (_1 if up else _0), power


@njit(**LEAN)
def write_number(text: Any, at: Any, number: float) -> Any:
    """Write a number into ``text`` (bytes) from ``at`` on, where ``LONGEST_NUMBER`` of them are free.

    Returns where it ends; ``NOT_WRITTEN`` for one that is not written here: negative, not finite, large or small.
    """
    if number == 0.0 and bits_of(number) == _0:
        text[at], text[at + 1], text[at + 2] = 48, 46, 48
        return at + 3
    if not LEAST <= number < BELOW:
        return NOT_WRITTEN
    digits, power = _shortest(number)
    while digits % _10 == _0:
        digits, power = digits // _10, power + 1
    # what stands behind the point, from its end; then the point, and what is before it
    places = max(1, -power)
    length, rest = 0, digits
    while rest > _0:
        rest, length = rest // _10, length + 1
    before = max(1, length + power)
    end = at + before + 1 + places
    place, rest, missing = end - 1, digits, max(0, power) + (1 if power >= 0 else 0)
    while place >= at:
        if place == at + before:
            text[place] = 46
        elif missing > 0:
            text[place] = 48
            missing -= 1
        else:
            text[place] = np.uint8(48) + np.uint8(rest % _10)
            rest = rest // _10
        place -= 1
    return end
