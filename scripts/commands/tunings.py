"""The command `tracehound tunings`: what came of tunings, and what to do with it, over the console."""

from typing import Any

import click

from tracehound.scripts.commands.console_options import application_option, environment_option, limit_option
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.named_settings import settings_text
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.tuning_shapes import TuningResultsShape, TuningShape, VersionShape

_HEADS = ("id", "asked at", "application", "environment", "state", "tried", "candidates", "CPU s", "cost")


@click.group()
def tunings() -> None:
    """List tunings, look at one, give one up, and use its settings, over the console."""


@tunings.command("list")
@application_option
@environment_option
@limit_option(20)
@json_option
def list_tunings(application: str | None, environment: str | None, limit: int, as_json: bool) -> None:
    """List tunings, the newest first.

    \b
    tracehound tunings list
    tracehound tunings list --application shop --json
    """
    found = console_client().items(
        TuningShape, "tunings", limit=limit, application=application, environment=environment
    )
    if as_json:
        print_json({"items": found})
        return
    print_table(_HEADS, [_row(one) for one in found])


@tunings.command("show")
@click.argument("tuning")
@json_option
def show_tuning(tuning: str, as_json: bool) -> None:
    """Show what each candidate of TUNING would have told.

    \b
    tracehound tunings show t1
    tracehound tunings show t1 --json
    """
    told = console_client().get(TuningResultsShape, "tunings", tuning, "results")
    if as_json:
        print_json(told)
        return
    whose = told["tuning"]
    click.echo(printable(f"{whose['application']}: {whose['state']}, {whose['tried']} of {whose['candidates']} tried."))
    print_table(
        ("", "candidate", "settings", "state", "anomalies a day", "outside incidents a day", "found of them", "CPU s"),
        [
            (
                "best" if one["best"] else "",
                one["number"],
                settings_text(one["settings"]),
                one["state"],
                one["anomalies_a_day"],
                one["outside_a_day"],
                "" if one["recall"] is None else f"{one['found']} of {one['confirmed']}",
                one["cpu_s"],
            )
            for one in told["items"]
        ],
    )


@tunings.command("cancel")
@click.argument("tuning")
@json_option
def cancel_tuning(tuning: str, as_json: bool) -> None:
    """Give TUNING up: what is under way of it ends, and nothing more of it is begun.

    \b
    tracehound tunings cancel t1
    """
    told = console_client().send(TuningShape, "POST", "tunings", tuning, "cancel")
    if as_json:
        print_json(told)
        return
    click.echo(printable(f"{told['id']} is given up; workers stop soon."))


@tunings.command("apply")
@click.argument("tuning")
@click.option("--candidate", type=click.IntRange(0), help="By its number; without it the best one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def apply_tuning(tuning: str, candidate: int | None, yes: bool, as_json: bool) -> None:
    """Have the application of TUNING judged by the settings of a candidate; `own-settings revert` takes it back.

    \b
    tracehound tunings apply t1 --candidate 0 --yes
    """
    which = "the best candidate" if candidate is None else f"candidate {candidate}"
    if not yes:
        click.confirm(f"Judge by {which} of {printable(tuning)}?", abort=True, err=True)
    told = console_client().send(VersionShape, "POST", "tunings", tuning, "apply", body={"candidate": candidate})
    tell_version(told, as_json)


def tell_version(told: VersionShape, as_json: bool) -> None:
    """Say which settings an application will be judged by."""
    if as_json:
        print_json(told)
        return
    own = settings_text(told["settings"]) or "no settings of its own"
    click.echo(printable(f"{told['application']} is judged by {own}, version {told['version']}, within moments."))


def _row(one: TuningShape) -> list[Any]:
    return [
        *(one["id"], one["asked_at"], one["application"], one["environment"], one["state"]),
        *(one["tried"], one["candidates"], one["cpu_s"], f"{one['money']:.4g} {one['currency']}"),
    ]
