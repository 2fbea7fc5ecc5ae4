"""How commands that ask the console print: tables for people, one JSON object for programs."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.schemas.anomaly import SEVERITIES
from tracehound.scripts.commands.severity_colours import SEVERITY_COLOURS
from tracehound.scripts.commands.terminal_text import printable

_WIDTH_ELSEWHERE = 240
"""Columns where it is no terminal: nothing is cut for the next program."""

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="For programs: one JSON object."
)


def terminal() -> Console:
    """Where tables are printed; colours only on a terminal, and never where NO_COLOR is set."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_ELSEWHERE)
    return console


def print_json(told: object) -> None:
    """One JSON object, in one line of ASCII."""
    click.echo(json.dumps(told))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers stand to the right, severities have their colour, and text of others is made safe."""
    rows = list(rows)
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(heads):
        numbers = bool(rows) and all(isinstance(row[place], int | float | None) for row in rows)
        table.add_column(head, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    terminal().print(table)


def _cell(value: object) -> Text:
    if isinstance(value, int):
        return Text(f"{value:,}")
    if isinstance(value, float):
        return Text(f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}")
    text = printable("" if value is None else str(value))
    severity = next((one for one in SEVERITIES if one == text), None)
    return Text(text, SEVERITY_COLOURS[severity] if severity else "")
