"""The command `tracehound anomalies`: what was unusual, from the console."""

from typing import Final

import click

from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.scripts.commands.console_options import limit_option, repeated, since_option, times, watch_option
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.identities import short
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.shapes import Anomaly

_COLUMNS: Final = ("severity", "kind", "application", "operation", "reason")


@click.command()
@click.option("--application", help="Only of this application.")
@click.option("--environment", help="Only of this environment; without it of all.")
@click.option("--operation", help="Only of this operation.")
@click.option("--kind", help="Only of this kind, for instance latency.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Least severity.")
@since_option
@limit_option(20)
@watch_option
@json_option
def anomalies(
    severity: Severity | None,
    since: float | None,
    until: float | None,
    limit: int,
    every_s: float | None,
    as_json: bool,
    **only: str | None,
) -> None:
    """List anomalies, the newest last, from the console. `tracehound explain ID` says more of one.

    \b
    tracehound anomalies --since 2h --severity major
    tracehound anomalies --application shop --kind latency --json
    tracehound anomalies --since 15m --watch 5
    """
    grave = None if severity is None else SEVERITIES[SEVERITIES.index(severity) :]
    client, asked = console_client(), {**times(since, until), **only}

    def tell() -> None:
        found = client.items(Anomaly, "anomalies", limit=limit, severity=grave, **asked)
        if as_json:
            print_json({"items": found})
            return
        rows = [(short(one["id"]), one["time"], *(dict(one["data"])[n] for n in _COLUMNS)) for one in reversed(found)]
        print_table(("id", "time", *_COLUMNS), rows)

    repeated(every_s, tell)
