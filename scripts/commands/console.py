"""The command `tracehound console`: keeps what was told in a database and serves it, and makes keys."""

import json
import time
from contextlib import closing
from functools import partial
from typing import get_args

import click

from tracehound.console.web.roles import Role
from tracehound.streams.settings.settings import Settings, load_settings


@click.command()
@click.option("--new-key", metavar="NAME", help="Make a key of this name, print it this once; then end.")
@click.option(
    "--first-key", is_flag=True, help="Where there is no key yet, make an admin's and print it this once; then end."
)
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="viewer",
    show_default=True,
    help="With --new-key: what it is good for.",
)
@click.option(
    "--only",
    type=click.Choice(["executions"]),
    help="Keep executions (counts, quantiles, exemplars) and nothing else; several such processes share partitions.",
)
@click.option("--openapi", is_flag=True, help="Print the OpenAPI document of the API; then end.")
def console(new_key: str | None, first_key: bool, role: Role, only: str | None, openapi: bool) -> None:
    """Keep what was told in a database and serve it over HTTP, until stopped."""
    settings = load_settings()
    if openapi:
        from tracehound.console.serving import document_of

        click.echo(json.dumps(document_of(settings), indent=2))
        return
    if new_key is not None:
        _make_key(settings, new_key, role)
        return
    if first_key:
        _make_first_key(settings)
        return
    from tracehound.console.process import keep_executions, run_console
    from tracehound.console.serving import serve_api
    from tracehound.scripts.simulator.demo_data import DemoSimulation
    from tracehound.streams.worker.logging import configure_logging

    configure_logging(settings)
    serve = partial(serve_api, simulate=DemoSimulation)
    raise SystemExit(keep_executions(settings) if only else run_console(settings, serve))


def _make_key(settings: Settings, name: str, role: Role) -> None:
    from tracehound.console.keys.queries import add_key
    from tracehound.console.store.engine import Store
    from tracehound.scripts.commands.announcing import known_user
    from tracehound.streams.http.keys import new_key

    made = new_key()
    with closing(Store(settings.console.database_url.get_secret_value())) as store:
        store.migrate()
        with store.write() as connection:
            add_key(connection, made, role, name, known_user() or "command line", time.time_ns() // 1_000, None)
    click.echo(made.key)


def _make_first_key(settings: Settings) -> None:
    from tracehound.console.serving import print_first_key
    from tracehound.console.store.engine import Store

    with closing(Store(settings.console.database_url.get_secret_value())) as store:
        store.migrate()
        print_first_key(store)
