"""The command `tracehound drift`: what is no longer as it was, from the console."""

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
from tracehound.scripts.console.client import console_client
from tracehound.scripts.console.shapes import ModelEventShape


@click.command()
@application_option
@environment_option
@since_option
@limit_option(50)
@watch_option
@json_option
def drift(
    application: str | None,
    environment: str | None,
    since: float | None,
    until: float | None,
    limit: int,
    every_s: float | None,
    as_json: bool,
) -> None:
    """List what is no longer as it was, the newest last, from the console: drift, and what is the new normal.

    \b
    tracehound drift --since 7d
    tracehound drift --application shop --json
    """
    client = console_client()
    asked = {"application": application, "environment": environment, **times(since, until)}

    def tell() -> None:
        found = client.items(ModelEventShape, "models", "drift", limit=limit, **asked)
        if as_json:
            print_json({"items": found})
            return
        names = ("change", "application", "environment", "operation", "model", "sentence")
        print_table(
            ("time", *names), [(one["time"], *(dict(one["data"])[n] for n in names)) for one in reversed(found)]
        )

    repeated(every_s, tell)
