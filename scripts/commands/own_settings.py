"""The command `tracehound own-settings`: settings of detection for single applications, over the console."""

import click

from tracehound.scripts.commands.console_options import (
    application_option,
    environment_option,
    its_environment_option,
    limit_option,
)
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.commands.named_settings import read_settings, settings_text
from tracehound.scripts.commands.tunings import tell_version
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.tuning_shapes import VersionShape

_COLUMNS = ("at", "application", "environment", "version", "state", "by", "why", "sentence")


@click.group("own-settings")
def own_settings() -> None:
    """List, set and take back settings of detection of single applications, over the console."""


@own_settings.command("list")
@application_option
@environment_option
@limit_option(50)
@json_option
def list_settings(application: str | None, environment: str | None, limit: int, as_json: bool) -> None:
    """List versions of the settings that applications have of their own, the newest first.

    \b
    tracehound own-settings list
    tracehound own-settings list --application shop --json
    """
    found = console_client().items(
        VersionShape, "application-settings", limit=limit, application=application, environment=environment
    )
    if as_json:
        print_json({"items": found})
        return
    rows = [[*(dict(one)[name] for name in _COLUMNS), settings_text(one["settings"])] for one in found]
    print_table((*_COLUMNS, "settings"), rows)


@own_settings.command("set")
@click.argument("application")
@click.argument("settings", nargs=-1, metavar="NAME=VALUE...")
@its_environment_option
@click.option("--why", default="", help="What others will read beside it.")
@click.option("--after", type=click.IntRange(0), help="Only if this version is the newest still, 0: if there is none.")
@json_option
def set_settings(
    application: str, settings: tuple[str, ...], environment: str, why: str, after: int | None, as_json: bool
) -> None:
    """Have APPLICATION judged by these settings of its own, and by those of the workers in all else.

    \b
    tracehound own-settings set shop least_sigma=5 --environment prod --why "noisy at night"
    """
    body = {
        "application": application,
        "environment": environment,
        "settings": read_settings(settings),
        "why": why,
        "after": after,
    }
    tell_version(console_client().send(VersionShape, "POST", "application-settings", body=body), as_json)


@own_settings.command("revert")
@click.argument("application")
@its_environment_option
@click.option("--version", type=click.IntRange(0), help="To this one, 0 for none of its own; without it to the last.")
@json_option
def revert_settings(application: str, environment: str, version: int | None, as_json: bool) -> None:
    """Go back to the settings that APPLICATION had before.

    \b
    tracehound own-settings revert shop --environment prod
    """
    body = {"application": application, "environment": environment, "version": version}
    tell_version(console_client().send(VersionShape, "POST", "application-settings", "revert", body=body), as_json)
