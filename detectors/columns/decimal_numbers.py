"""Numbers in JSON read by kernels, to the nearest double as Python reads them."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

LEAST, MOST = -27, 22
"""Powers of ten that are read: a number of at most 19 digits times one of these. For others there is Python."""
_MANTISSA = 53
_EXACT = np.uint64(1 << _MANTISSA)
_TOO_LONG = np.uint64(10**18)
_ZERO, _ONE, _THREE, _TEN, _32, _63 = (np.uint64(number) for number in (0, 1, 3, 10, 32, 63))
_LOW = np.uint64(0xFFFFFFFF)
_UNSURE = np.uint64(0x1FF)


def _normalized(power: int) -> Any:
    """The 128 most significant bits of 5 to the power, rounded up where they are not exact."""
    if power >= 0:
        return 5**power << (128 - (5**power).bit_length())
    divisor = 5**-power
    return (1 << ((divisor - 1).bit_length() + 127)) // divisor + 1


_FIVES: Final = np.array(
    [[_normalized(power) >> 64, _normalized(power) & 2**64 - 1] for power in range(LEAST, MOST + 1)], np.uint64
)
_TENS: Final = 10.0 ** np.arange(MOST + 1)


@njit(**LEAN, forceinline=True)
def read_number(text: Any, at: int) -> Any:
    """The number whose JSON begins at ``at`` of ``text`` (bytes): its value, where it ends, and whether it is whole,
    which is one without fraction and exponent.

    It ends at -1 where it is no number, or one that is not read here: of more than 19 digits, or too large or small.
    The text must end with something that is no part of a number.
    """
    negative = text[at] == 45  # -
    at += negative
    digits, exponent, whole = _ZERO, 0, True
    first = at
    digits, at = _after_digits(text, at, digits)
    if at <= first or (text[first] == 48 and at > first + 1):
        return 0.0, -1, False
    if text[at] == 46:  # .
        at, whole = at + 1, False
        first = at
        digits, at = _after_digits(text, at, digits)
        if at <= first:
            return 0.0, -1, False
        exponent = first - at
    if text[at] == 101 or text[at] == 69:  # e E
        at, whole = at + 1, False
        sign = 1
        if text[at] == 43 or text[at] == 45:  # + -
            sign = 44 - text[at]
            at += 1
        first, power = at, 0
        while 48 <= text[at] <= 57 and power < 1_000:
            power = power * 10 + (text[at] - 48)
            at += 1
        if at == first:
            return 0.0, -1, False
        exponent += sign * power
    value = 0.0
    if digits != _ZERO:
        if not LEAST <= exponent <= MOST:
            return 0.0, -1, False
        value = _double(digits, exponent)
    return -value if negative else value, at, whole


@njit(**LEAN, forceinline=True)
def _after_digits(text: Any, at: int, digits: Any) -> Any:
    """``digits`` with those from ``at`` on behind them, and where they end: -1 where they are more than 19."""
    while 48 <= text[at] <= 57:
        if digits >= _TOO_LONG:
            return digits, -1
        digits = digits * _TEN + np.uint64(text[at] - 48)
        at += 1
    return digits, at


@njit(**LEAN)
def _double(digits: Any, exponent: int) -> Any:
    """``digits`` times ten to the ``exponent``, to the nearest double, ties to even.

    Source: D. Lemire, Number Parsing at a Gigabyte per Second, Software: Practice and Experience 51 (2021).
    """
    if digits <= _EXACT and exponent >= -MOST:
        return float(digits) / _TENS[-exponent] if exponent < 0 else float(digits) * _TENS[exponent]
    shift = 0
    while digits >> _63 == _ZERO:
        digits = digits << _ONE
        shift += 1
    high, low = _product(digits, _FIVES[exponent - LEAST, 0])
    if high & _UNSURE == _UNSURE:
        more, _ = _product(digits, _FIVES[exponent - LEAST, 1])
        low += more
        if low < more:
            high += _ONE
    upper = high >> _63
    below = upper + np.uint64(64 - _MANTISSA - 2)  # bits below the mantissa and the one that is rounded
    mantissa = high >> below
    tie = low <= _ONE and exponent >= -4 and mantissa & _THREE == _ONE and mantissa << below == high
    if tie:
        mantissa -= _ONE
    mantissa = (mantissa + (mantissa & _ONE)) >> _ONE
    power = ((217_706 * exponent) >> 16) + 63 + int(upper) - shift
    return math.ldexp(float(mantissa), power - (_MANTISSA - 1))


@njit(**LEAN)
def _product(one: Any, other: Any) -> Any:
    """The upper and the lower 64 bits of a product."""
    one_high, one_low, other_high, other_low = one >> _32, one & _LOW, other >> _32, other & _LOW
    lowest = one_low * other_low
    first, second = one_high * other_low, one_low * other_high
    middle = (lowest >> _32) + (first & _LOW) + (second & _LOW)
    high = one_high * other_high + (first >> _32) + (second >> _32) + (middle >> _32)
    return high, (middle << _32) | (lowest & _LOW)
