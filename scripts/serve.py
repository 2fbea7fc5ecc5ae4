"""The commands `worker` and `topics`."""

import click

from streams.settings import load_settings


@click.command()
def worker() -> None:
    """Score executions from Kafka until stopped."""
    from streams.worker import run_worker

    run_worker(load_settings())


@click.command()
def topics() -> None:
    """Create the topics that do not exist, and check those that do."""
    from infra.kafka.topics import ensure_topics

    settings = load_settings()
    for line in ensure_topics(settings):
        click.echo(line)
