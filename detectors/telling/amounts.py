"""Amounts in words: three significant digits, and the unit that people read with ease."""

from typing import Final

SECONDS_FROM_MS: Final = 10_000.0
"""Milliseconds from which seconds are said."""


def number(value: float) -> str:
    """A number with three significant digits and no exponent.

    >>> [number(value) for value in (0.0, 0.1234, 3.14159, 42.0, 1234.6)]
    ['0', '0.123', '3.14', '42', '1235']
    """
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.3f}"


def duration(milliseconds: float) -> str:
    """Milliseconds below ten seconds, seconds above.

    >>> duration(940.0), duration(42_000.0)
    ('940 ms', '42 s')
    """
    return f"{number(milliseconds)} ms" if abs(milliseconds) < SECONDS_FROM_MS else f"{number(milliseconds / 1000)} s"


def waiting(milliseconds: float) -> str:
    """How long a message waits: milliseconds below a second, seconds above.

    >>> waiting(40.0), waiting(3_200.0)
    ('40 ms', '3.2 s')
    """
    return f"{number(milliseconds)} ms" if milliseconds < 1_000.0 else f"{number(milliseconds / 1000)} s"


def megabytes(value: float) -> str:
    """Megabytes with their unit."""
    return f"{number(value)} MB"
