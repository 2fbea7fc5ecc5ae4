"""The command `tracehound anomalies`: what was unusual, from the console."""

from typing import Final

import click

from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.schemas.execution import rfc3339
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.moments import Moment
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.shapes import Anomaly

_COLUMNS: Final = ("severity", "kind", "application", "operation", "reason")


@click.command()
@click.option("--application", help="Only of this application.")
@click.option("--environment", help="Only of this environment; without it of all.")
@click.option("--operation", help="Only of this operation.")
@click.option("--kind", help="Only of this kind, for instance latency.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Least severity.")
@click.option("--since", type=Moment(), help="At that time or later: 90m, 7d, or a date-time.")
@click.option("--until", type=Moment(), help="Before that time.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The newest to print.")
@json_option
def anomalies(
    severity: Severity | None, since: float | None, until: float | None, limit: int, as_json: bool, **only: str | None
) -> None:
    """List anomalies, the newest last, from the console. `tracehound explain ID` says more of one.

    \b
    tracehound anomalies --since 2h --severity major
    tracehound anomalies --application shop --kind latency --json
    """
    times = {name: None if at is None else rfc3339(at) for name, at in (("since", since), ("until", until))}
    grave = None if severity is None else SEVERITIES[SEVERITIES.index(severity) :]
    found = console_client().items(Anomaly, "anomalies", limit=limit, severity=grave, **times, **only)
    if as_json:
        print_json({"items": found})
        return
    rows = [(short(one["id"]), one["time"], *(one["data"][name] for name in _COLUMNS)) for one in reversed(found)]
    print_table(("id", "time", *_COLUMNS), rows)
