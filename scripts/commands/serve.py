"""The commands `worker`, `intake` and `topics`."""

import time

import click

from tracehound.schemas.errors import BrokerError, NotAdmittedError
from tracehound.scripts.kafka.clients import ClientConfig, admin_config
from tracehound.streams.settings.settings import load_settings

_ASK_S = 3.0
"""How long a broker may take to answer before that is said."""


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
    from tracehound.scripts.commands.compiling import compile_before_work
    from tracehound.streams.intake.app import build_intake
    from tracehound.streams.worker.worker import run_worker

    raise SystemExit(run_worker(load_settings(), build_intake, prepare=compile_before_work))


@click.command()
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="Seconds to wait for a broker that does not answer yet.",
)
def topics(wait_s: float) -> None:
    """Create the topics that do not exist, and check those that do."""
    from tracehound.infra.kafka.topics import ensure_topics

    settings = load_settings()
    config = admin_config(settings)
    _wait_for_broker(config, settings.bootstrap_servers, wait_s)
    for sentence in ensure_topics(config, settings.topics, settings.replication_factor):
        click.echo(sentence)


def _wait_for_broker(config: ClientConfig, servers: str, wait_s: float) -> None:
    """Return once a broker answers; says at once that it does not yet.

    Raises:
        BrokerError: it did not within ``wait_s``, or does not admit this user.
    """
    from tracehound.infra.kafka.topics import count_brokers

    deadline_s = time.monotonic() + wait_s
    said = False
    while True:
        try:
            count_brokers(config, _ASK_S)
            return
        except NotAdmittedError:
            raise
        except BrokerError:
            if time.monotonic() >= deadline_s:
                raise
        if not said:
            click.echo(f"No broker answers at {servers} yet; waiting for up to {wait_s:.0f} s.", err=True)
        said = True
