"""Measured figures as they were stored, and how they are shown in tables."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson


class Measured:
    """The JSON files in ``folder``, each read once; each says of which commit and day it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.of = cache(self._read)

    def _read(self, name: str) -> dict[str, Any]:
        figures: dict[str, Any] = orjson.loads((self._folder / f"{name}.json").read_bytes())
        return figures

    def origin(self, name: str, command: str, part: str = "") -> str:
        """The line under a table: how it was measured, when, and on which commit; ``part`` of a file whose parts are
        measured apart."""
        figures = self.of(name)["measured"][part] if part else self.of(name)
        return f"Measured by `{command}` on {figures['date']}, commit `{figures['commit']}`."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [list(head), ["---"] * len(head), *map(list, rows)]
    return "\n".join(_line(cells, separator=index == 1) for index, cells in enumerate(lines))


def _line(cells: Sequence[str], separator: bool) -> str:
    return "|" + "|".join(cells) + "|" if separator else "| " + " | ".join(cells) + " |"


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many digits after the point; a dash where there is none.

    >>> number(0.8537), number(46713.05, 0), number(None)
    ('0.854', '46,713', '–')
    """
    return "–" if value is None else f"{value:,.{digits}f}"


def verdict(met: bool) -> str:
    """Whether a target was met."""
    return "met" if met else "**missed**"
