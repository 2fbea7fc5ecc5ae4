"""The command `tracehound console`: keeps what was told in a database and serves it."""

import click

from tracehound.streams.settings.settings import load_settings


@click.command()
def console() -> None:
    """Keep what was told in a database, until stopped."""
    from tracehound.console.process import run_console, serve_nothing
    from tracehound.streams.worker.logging import configure_logging

    settings = load_settings()
    configure_logging(settings)
    raise SystemExit(run_console(settings, serve_nothing))
