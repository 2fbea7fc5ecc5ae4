"""The commands `worker`, `intake`, `incidents` and `topics`."""

import click

from scripts.kafka_clients import admin_config
from streams.settings import load_settings


@click.command()
def worker() -> None:
    """Score executions from Kafka until stopped."""
    from streams.worker import run_worker

    raise SystemExit(run_worker(load_settings()))


@click.command()
def intake() -> None:
    """Join spans from Kafka into executions until stopped."""
    from streams.intake.app import build_intake
    from streams.worker import run_worker

    raise SystemExit(run_worker(load_settings(), build_intake))


@click.command()
def incidents() -> None:
    """Make incidents of anomalies from Kafka until stopped."""
    from streams.incidents.app import build_incidents
    from streams.worker import run_worker

    raise SystemExit(run_worker(load_settings(), build_incidents))


@click.command()
def topics() -> None:
    """Create the topics that do not exist, and check those that do."""
    from infra.kafka.topics import ensure_topics

    settings = load_settings()
    for sentence in ensure_topics(admin_config(settings), settings.topics, settings.replication_factor):
        click.echo(sentence)
