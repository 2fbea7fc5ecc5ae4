"""Cells of exported tables, out of items."""

from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from typing import Any

Cells = dict[str, Callable[[Any], object]]
"""How each cell is read out of an item, by the head of its column."""


def of_item(names: Iterable[str]) -> Cells:
    """Cells that are members of an item.

    >>> [read({"id": "17"}) for read in of_item(["id"]).values()]
    ['17']
    """
    return {name: itemgetter(name) for name in names}


def of_event(names: Iterable[str]) -> Cells:
    """Cells of an event: its id, its time, and members of what it holds."""
    return of_item(["id", "time"]) | {name: partial(_of_data, name) for name in names}


def _of_data(name: str, event: Any) -> object:
    return event["data"][name]
