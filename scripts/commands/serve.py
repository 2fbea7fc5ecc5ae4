"""The commands `worker`, `intake` and `topics`."""

import click

from tracehound.scripts.kafka.clients import admin_config
from tracehound.streams.settings.settings import load_settings


@click.command()
def worker() -> None:
    """Score executions from Kafka until stopped."""
    from tracehound.scripts.commands.compiling import compile_before_work
    from tracehound.streams.scoring.app import build_scoring
    from tracehound.streams.worker.worker import run_worker

    raise SystemExit(run_worker(load_settings(), build_scoring, prepare=compile_before_work))


@click.command()
def intake() -> None:
    """Join spans from Kafka into executions until stopped."""
    from tracehound.streams.intake.app import build_intake
    from tracehound.streams.worker.worker import run_worker

    raise SystemExit(run_worker(load_settings(), build_intake))


@click.command()
def topics() -> None:
    """Create the topics that do not exist, and check those that do."""
    from tracehound.infra.kafka.topics import ensure_topics

    settings = load_settings()
    for sentence in ensure_topics(admin_config(settings), settings.topics, settings.replication_factor):
        click.echo(sentence)
