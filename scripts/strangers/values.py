"""What records hold, as far as their cost depends on it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Given(NamedTuple):
    """A record's value and headers."""

    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


Records = Sequence[bytes | Given | None]
"""Records; of most only the value."""
Makers = Mapping[str, Callable[[], Records]]
"""Makers of records by what they are."""


def given(records: Records) -> list[Given]:
    """Records, each with its headers."""
    return [one if isinstance(one, Given) else Given(one) for one in records]
