"""Lists whose statement is made once for all that ask for the same filters: to make it takes longer than to run it."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, wraps
from typing import Any, TypeVar

from sqlalchemy import bindparam

from tracehound.console.web.asked import Page
from tracehound.console.web.lists import List

Asked = TypeVar("Asked", bound=Page)
_SHAPES = 256
_OF_A_PAGE = frozenset(Page.model_fields)
Fixed = tuple[tuple[str, Any], ...]
"""What the statement itself depends on, by name: orders, and names of kinds of which there are few."""


def by_shape(*free: str) -> Callable[[Callable[[Asked], List]], Callable[[Asked], List]]:
    """Have a list made once for each shape of what is asked, and filled with values each time.

    Parameters:
        free: filters of which any value may be asked: each becomes a parameter, where it is given; the function that
            makes the list must do nothing but compare with it.
    """

    def decorate(make: Callable[[Asked], List]) -> Callable[[Asked], List]:
        @lru_cache(_SHAPES)
        def shape(kind: type[Asked], fixed: Fixed, given: tuple[str, ...]) -> List:
            parameters: dict[str, Any] = {name: bindparam(name) for name in given}
            return make(kind.model_construct(**{**dict(fixed), **dict.fromkeys(free), **parameters}))

        @wraps(make)
        def made(asked: Asked) -> List:
            fields = {name: value for name, value in asked if name not in _OF_A_PAGE}
            values = {name: value for name in free if (value := fields.pop(name)) is not None}
            fixed = ((name, tuple(value) if isinstance(value, list) else value) for name, value in fields.items())
            return replace(shape(type(asked), tuple(fixed), tuple(values)), values=values)

        return made

    return decorate
