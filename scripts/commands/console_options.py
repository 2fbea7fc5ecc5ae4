"""Options that commands have in common which ask the console: of which application, of when, and again and again."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

import click

from tracehound.schemas.execution import rfc3339
from tracehound.scripts.commands.console_tables import terminal
from tracehound.scripts.commands.moments import Moment
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.console.client import NoConsoleError

Decorator = Callable[[Any], Any]
_USUAL_S: Final = 2.0

application_option: Decorator = click.option("--application", help="Only of this application.")
environment_option: Decorator = click.option("--environment", help="Only of this environment; without it of all.")
its_environment_option: Decorator = click.option(
    "--environment", default="", help="The environment of the application, where it names one."
)
watch_option: Decorator = click.option(
    "--watch",
    "every_s",
    type=click.FloatRange(0.1, 86_400.0),
    is_flag=False,
    flag_value=_USUAL_S,
    metavar="[SECONDS]",
    help="Again every 2 s, or so many, until Ctrl-C.",
)


def since_option(command: Any) -> Any:
    """Adds ``--since`` and ``--until``."""
    until = click.option("--until", type=Moment(), help="Before that time.")
    since = click.option("--since", type=Moment(), help="At that time or later: 90m, 7d, or an RFC 3339 date-time.")
    return since(until(command))


def limit_option(most: int) -> Decorator:
    """``--limit``, with what it is without."""
    return click.option(
        "--limit", type=click.IntRange(1), default=most, show_default=True, help="At most so many, the newest."
    )


def times(since: float | None, until: float | None) -> dict[str, str | None]:
    """The moments as the console takes them."""
    return {name: None if at is None else rfc3339(at) for name, at in (("since", since), ("until", until))}


def repeated(every_s: float | None, tell: Callable[[], None]) -> None:
    """Tell once, or (``--watch``) again every so many seconds until Ctrl-C; a console that restarts is waited for.

    Raises:
        TracehoundError: the first time failed, or a later one other than by a console that is away.
    """
    screen = terminal()
    try:
        if every_s is not None and screen.is_terminal:
            screen.clear()
        tell()
        while every_s is not None:
            time.sleep(every_s)
            if screen.is_terminal:
                screen.clear()
            try:
                tell()
            except NoConsoleError as error:
                click.echo(f"tracehound: {printable(str(error))}", err=True)
            sys.stdout.flush()
    except KeyboardInterrupt:
        if every_s is None:
            raise
