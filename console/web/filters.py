"""Conditions of what may be asked for; what is not asked for is none."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

Conditions = list[ColumnElement[bool]]


def equal(column: ColumnElement[Any], value: object) -> Conditions:
    """It is that, where that is anything."""
    return [] if value is None else [column == value]


def among(column: ColumnElement[Any], values: Sequence[object]) -> Conditions:
    """It is one of these, where there are any."""
    if len(values) == 1:  # an index that goes on with the order of a list is of use for one value only
        return [column == values[0]]
    return [column.in_(values)] if values else []


def within(column: ColumnElement[int], since: int | None, until: int | None) -> Conditions:
    """It is at ``since`` or later, and before ``until``."""
    return [*([] if since is None else [column >= since]), *([] if until is None else [column < until])]
