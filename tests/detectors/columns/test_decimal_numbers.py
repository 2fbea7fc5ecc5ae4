"""Numbers read by a kernel, next to Python's own reading of them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracehound.detectors.columns.decimal_numbers import read_number


def read(text: str) -> tuple[float, int, bool]:
    value, end, whole = read_number(np.frombuffer(f"{text}}}".encode(), np.uint8), 0)
    return float(value), int(end), bool(whole)


def assert_as_python_reads(text: str) -> None:
    value, end, whole = read(text)
    assert end == len(text)
    assert whole == text.lstrip("-").isdigit()
    assert value == float(text)
    assert math.copysign(1.0, value) == math.copysign(1.0, float(text))


@given(st.integers(0, 10**19 - 1), st.integers(-27, 22), st.booleans())
@example(0, 0, True)
@example(2**64 - 1, 0, False)
@example(9007199254740993, 0, False)
@example(9007199254740993, -22, False)
@example(9223372036854775807, 22, True)
def test_digits_with_an_exponent(digits: int, exponent: int, negative: bool) -> None:
    text = f"{'-' if negative else ''}{digits}e{exponent}"
    if digits < 10**18 or read(text)[1] >= 0:
        assert_as_python_reads(text)


@given(st.floats(1e-6, 1e15))
def test_what_python_writes(value: float) -> None:
    assert_as_python_reads(repr(value))
    assert_as_python_reads(repr(round(value, 3)))


@given(st.floats(1.0, 1e6))
def test_what_lies_halfway_between_two_doubles(value: float) -> None:
    """Its first digits: next to the tie, where only the nearest double is right."""
    halfway = (Fraction(value) + Fraction(math.nextafter(value, math.inf))) / 2
    places = 18 - len(str(int(halfway)))
    digits = int(halfway * 10**places)
    for near in (digits - 1, digits, digits + 1):
        assert_as_python_reads(f"{near}e-{places}")


@given(st.integers(2**53, 2**54 - 1), st.integers(0, 5))
def test_ties_go_to_the_even_double(digits: int, shift: int) -> None:
    assert_as_python_reads(str((digits | 1) << shift))


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "+1", ".5", "01", "-01", "1.", "1.e3", "1e", "1e+", "x", "NaN", "Infinity"),
        *("1" * 20, "1e23", "1e-28", "0." + "1" * 20),
    ],
)
def test_what_is_no_number_or_not_read_here(text: str) -> None:
    assert read(text)[1] == -1


@pytest.mark.parametrize(("text", "end"), [("1x", 1), ("1.5.2", 3), ("0-1", 1), ("1e5e5", 3), ("0e999", 5)])
def test_a_number_ends_where_it_does(text: str, end: int) -> None:
    assert read(text)[:2] == (float(text[:end]), end)
