"""Values of attributes as texts and numbers, whatever type a library gave them."""

from collections.abc import Callable, Mapping

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]
Get = Callable[[str], AttributeValue | None]
"""Looks a name up in attributes."""

OPERATION_CHARACTERS = 1_000
NAME_CHARACTERS = 200


def text(value: AttributeValue | None) -> str:
    """A value as text, empty where there is none."""
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def first(get: Get, names: tuple[str, ...]) -> str:
    """The first that there is of attributes, as text."""
    for name in names:
        value = get(name)
        if value is not None and value != "":
            return text(value)
    return ""


def number_within(value: AttributeValue | None, least: float, most: float) -> float | None:
    """A number in a range, None for what is none.

    >>> [number_within(value, 0.0, 9.0) for value in (3, "4.5", -1, "soon", True)]
    [3.0, 4.5, None, None, None]
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if least <= number <= most else None


def status_code(value: AttributeValue | None) -> int | None:
    """A status of HTTP, None for what is none."""
    if value is None:
        return None
    if value.__class__ is not int:
        try:
            value = int(value)
        except (ValueError, OverflowError):
            return None
    return value if 0 < value < 1_000 else None
