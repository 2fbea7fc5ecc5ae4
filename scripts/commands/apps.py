"""The command `tracehound apps`: all applications and how they are, from the console."""

from typing import Final

import click

from tracehound.scripts.commands.console_options import repeated, watch_option
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.shapes import Application

_COLUMNS: Final = (
    *("application", "environment", "health", "open_incidents"),
    *("executions", "errors", "anomalies"),
)


@click.command()
@click.option("--environment", help="Only of this environment; without it of all.")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True, help="At most so many.")
@watch_option
@json_option
def apps(environment: str | None, limit: int, every_s: float | None, as_json: bool) -> None:
    """List all applications with their health, from the console.

    \b
    tracehound apps
    tracehound apps --environment prod --json
    """
    client = console_client()

    def tell() -> None:
        found = client.items(Application, "applications", limit=limit, environment=environment)
        if as_json:
            print_json({"items": found})
            return
        rows = [[*(dict(one)[name] for name in _COLUMNS), one["scored_through"]] for one in found]
        print_table([*(name.replace("_", " ") for name in _COLUMNS), "scored through"], rows)

    repeated(every_s, tell)
