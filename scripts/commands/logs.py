"""The command `tracehound logs`: log events and the templates of their messages, from the console."""

from collections.abc import Callable
from typing import Any

import click

from tracehound.schemas.log_levels import LEVELS, Level
from tracehound.scripts.commands.console_options import (
    application_option,
    limit_option,
    repeated,
    since_option,
    times,
    watch_option,
)
from tracehound.scripts.commands.console_tables import json_option, print_json, print_table
from tracehound.scripts.console.client import ConsoleClient, console_client
from tracehound.scripts.console.shapes import LogShape, Templates

_COLUMNS = ("level", "severity", "application", "host", "template_id", "message")
_OF_TEMPLATE = ("template_id", "count", "count_before", "new", "level", "application", "template")
_MOST_TEMPLATES = 500


@click.command()
@click.argument("words", nargs=-1)
@application_option
@click.option("--level", type=click.Choice(LEVELS), help="Least level.")
@click.option("--template-id", help="Only of this template of the application.")
@click.option("--templates", is_flag=True, help="Templates instead: how often each came, now and as long before.")
@since_option
@limit_option(50)
@watch_option
@json_option
def logs(
    words: tuple[str, ...],
    application: str | None,
    level: Level | None,
    template_id: str | None,
    templates: bool,
    since: float | None,
    until: float | None,
    limit: int,
    every_s: float | None,
    as_json: bool,
) -> None:
    """List log events that have all WORDS in their message, the newest last, from the console.

    With --templates: what messages of the last day said (or of --since to --until), the most frequent first.

    \b
    tracehound logs CPU spike --since 2h
    tracehound logs --level error --application shop --watch
    tracehound logs --templates --since 7d --json
    """
    if templates and (words or level or template_id):
        raise click.UsageError("--templates goes with --application, --since, --until and --limit.")
    client = console_client()
    asked: dict[str, Any] = {"application": application, **times(since, until)}
    tell: Callable[[ConsoleClient, dict[str, Any], int, bool], None] = _tell_templates
    if not templates:
        least = None if level is None else LEVELS[LEVELS.index(level) :]
        asked |= {"words": " ".join(words) or None, "level": least, "template_id": template_id}
        tell = _tell_logs
    repeated(every_s, lambda: tell(client, asked, limit, as_json))


def _tell_logs(client: ConsoleClient, asked: dict[str, Any], limit: int, as_json: bool) -> None:
    found = client.items(LogShape, "logs", limit=limit, **asked)
    if as_json:
        print_json({"items": found})
        return
    rows = [(one["time"], *(dict(one["data"])[name] for name in _COLUMNS)) for one in reversed(found)]
    print_table(("time", *_COLUMNS), rows)


def _tell_templates(client: ConsoleClient, asked: dict[str, Any], limit: int, as_json: bool) -> None:
    told = client.get(Templates, "logs", "templates", limit=min(limit, _MOST_TEMPLATES), **asked)
    if as_json:
        print_json(told)
        return
    rows = [
        ["yes" if (v := dict(one)[name]) is True else "" if v is False else v for name in _OF_TEMPLATE]
        for one in told["items"]
    ]
    print_table([name.replace("_", " ") for name in _OF_TEMPLATE], rows)
