"""The command `tracehound check`: is the detector any good on your data, by a published procedure."""

import json
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tracehound.console.store.engine import Store
from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.scripts.acceptance.operators_list import read_incidents
from tracehound.scripts.acceptance.sweep import EXIT_CODES, Swept, sweep
from tracehound.scripts.acceptance.timeline import cut
from tracehound.scripts.acceptance.told import Told, read_events, read_store
from tracehound.scripts.commands.moments import Duration, Moment
from tracehound.streams.settings.settings import load_settings

_COLOURS = {"PASS": "green", "EXCLUDE": "red", "INSUFFICIENT": "yellow", "UNSTABLE": "yellow"}


@click.command()
@click.option(
    *("--incidents", "incidents_file"),
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Your own list: CSV with the columns start, end and, if known, application.",
)
@click.option(
    "--told",
    "told_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What tracehound told, as JSON lines; without it what the console keeps.",
)
@click.option("--from", "start_s", type=Moment(), required=True, help="Since when it was watched: 30d or a date-time.")
@click.option("--to", "end_s", type=Moment(), help="Until when; without it until now.")
@click.option("--bucket", "bucket_s", type=Duration(), default="5m", show_default=True, help="How time is cut.")
@click.option("--application", help="Only of this application.")
@click.option(
    "--severity", type=click.Choice(SEVERITIES), default="minor", show_default=True, help="Only from this severity on."
)
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
def check(
    incidents_file: Path,
    told_file: Path | None,
    start_s: float,
    end_s: float | None,
    bucket_s: float,
    application: str | None,
    severity: Severity,
    as_json: bool,
) -> None:
    """Say whether what was told is any good, beside your own list of incidents.

    By the Failure Detection Evaluation Specification (FDES v1.0.0-draft): it must beat a detector that flags
    everything, must not alert far more often than there are incidents, its scores must order better than chance, and
    the verdict must not turn on how time is cut into buckets.

    The exit status is 0 for PASS, 1 for EXCLUDE, 3 for INSUFFICIENT, 4 for UNSTABLE, and 2 if it failed.

    \b
    tracehound check --incidents outages.csv --from 30d
    tracehound check --incidents outages.csv --told anomalies.jsonl --from 2026-11-01T00:00:00Z --json
    """
    told, until_s = Told(application, severity), time.time() if end_s is None else end_s
    truth = read_incidents(incidents_file, application)
    if told_file is not None:
        read_events(told_file, told)
    else:
        with closing(Store(load_settings().console.database_url.get_secret_value())) as store:
            read_store(store, start_s, until_s, told)
    alerts, scores = told.alerts(), told.scores()
    swept = sweep(lambda size_s: cut(start_s, until_s, size_s, truth, alerts, scores), bucket_s)
    if as_json:
        click.echo(json.dumps({"specification": "FDES v1.0.0-draft", "reasons": swept.reasons, **asdict(swept)}))
    else:
        _show(swept)
    raise SystemExit(EXIT_CODES[swept.verdict])


def _show(swept: Swept) -> None:
    console, asked = Console(highlight=False), swept.asked
    console.print(f"[bold {_COLOURS[swept.verdict]}]{swept.verdict}[/] by FDES v1.0.0-draft")
    for reason in swept.reasons:
        console.print(f"  {reason}", markup=False)
    table = Table("check", "section", "value", "held against", "")
    for one in asked.checks:
        said = "not to be had" if one.excludes is None else "EXCLUDE" if one.excludes else "pass"
        table.add_row(one.name, one.section, one.value, one.reference, said)
    console.print(table)
    sizes = Table("bucket", "buckets", "incidents", "alerted", "precision", "recall", "F1", "of all flagged", "verdict")
    for size in swept.sizes:
        shares = (f"{size.prevalence:.1%}", f"{size.alerted_rate:.1%}", f"{size.precision:.3f}", f"{size.recall:.3f}")
        sizes.add_row(
            *(f"{size.bucket_s:g} s", str(size.buckets), *shares, f"{size.f1:.3f}", f"{size.floor:.3f}", size.verdict)
        )
    console.print(sizes)
    console.print(
        "Your list is believed to the second, and that it was not made from these very alerts. "
        "Scores are those of what was told, 0 where nothing was."
    )
