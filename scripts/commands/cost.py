"""The command `tracehound cost`: what training took, beside what was estimated, from the console."""

from typing import Any

import click

from tracehound.scripts.commands.console_options import (
    application_option,
    environment_option,
    limit_option,
    repeated,
    since_option,
    times,
    watch_option,
)
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.console.client import ConsoleClient, console_client
from tracehound.scripts.console.shapes import Totals, TotalShape, TrainingRunShape


@click.command()
@click.option(
    "--by",
    type=click.Choice(["application", "model", "day"]),
    default="application",
    show_default=True,
    help="What runs are added up by.",
)
@click.option("--runs", is_flag=True, help="Each run instead, the newest last, beside what was estimated of it.")
@application_option
@environment_option
@since_option
@limit_option(100)
@watch_option
@json_option
def cost(
    by: str,
    runs: bool,
    since: float | None,
    until: float | None,
    limit: int,
    every_s: float | None,
    as_json: bool,
    **only: str | None,
) -> None:
    """Say what training took: runs, CPU seconds, time, samples, bytes, and money at the prices that are set.

    \b
    tracehound cost --since 30d
    tracehound cost --by day --application shop
    tracehound cost --runs --json
    """
    client = console_client()
    asked = {**times(since, until), **only}
    repeated(every_s, lambda: _tell_runs(client, asked, limit, as_json) if runs else _tell(client, by, asked, as_json))


def _tell_runs(client: ConsoleClient, asked: dict[str, Any], limit: int, as_json: bool) -> None:
    found = client.items(TrainingRunShape, "training", "runs", limit=limit, **asked)
    if as_json:
        print_json({"items": found})
        return
    heads = ("time", "application", "environment", "model", "why", "CPU s", "estimated", "samples", "bytes", "money")
    rows = [
        (
            *(one["time"], one["application"], one["environment"], one["model"], one["why"], one["cpu_s"]),
            *(one["estimated_cpu_s"], one["samples"], one["model_bytes"], money(one["money"], one["currency"])),
        )
        for one in reversed(found)
    ]
    print_table(heads, rows)


def _tell(client: ConsoleClient, by: str, asked: dict[str, Any], as_json: bool) -> None:
    told = client.get(Totals, "training", "totals", by=by, **asked)
    if as_json:
        print_json(told)
        return
    whole: TotalShape = {**told["total"], "of": "in all"}
    rows = [
        (
            *(one["of"], one["environment"], one["runs"], one["cpu_s"], one["wall_s"], one["samples"]),
            *(one["model_bytes"], money(one["money"], told["currency"])),
        )
        for one in (*told["items"], whole)
    ]
    print_table((by, "environment", "runs", "CPU s", "time s", "samples", "bytes", "money"), rows)


def money(amount: float, currency: str) -> str:
    """An amount of money, with enough digits for a small one.

    >>> money(12.5, "EUR"), money(0.000123, "EUR")
    ('12.50 EUR', '0.000123 EUR')
    """
    return f"{amount:,.2f} {currency}" if amount >= 1.0 or amount == 0.0 else f"{amount:.3g} {currency}"
