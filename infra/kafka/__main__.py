"""A broker in the foreground: ``python -m tracehound.infra.kafka --kind real``. Ctrl-C ends it and removes its data.

With KAFKA_BOOTSTRAP_SERVERS it is started at that address, unless a broker answers there already.
"""

import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn, cast

import click

from tracehound.infra.kafka.broker import SERVERS_VARIABLE, Broker, Kind, broker
from tracehound.infra.kafka.jars import kafka_version
from tracehound.infra.kafka.ports import is_free, local_port
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX, Topics

_USUAL_PORT = 9092  # where the settings look by default
_LOOK_S = 0.5


@click.command(help=__doc__)
@click.option("--kind", type=click.Choice(["real", "embedded", "docker", "jvm"]), default="real")
@click.option("--brokers", type=click.IntRange(1, 9), default=1, help="How many brokers.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the first; 9092 if free, else any.")
@click.option("--prefix", envvar="TRACEHOUND_TOPIC_PREFIX", default=DEFAULT_PREFIX, help="Prefix of the topics.")
@click.option(
    "--partitions",
    envvar="TRACEHOUND_PARTITIONS",
    type=click.IntRange(1, 10_000),
    default=DEFAULT_PARTITIONS,
    help="Partitions of each topic.",
)
def main(kind: str, brokers: int, port: int | None, prefix: str, partitions: int) -> None:
    """Start the broker, create the topics, say where it is, and wait to be ended."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        kind, port = _what_to_start(kind, brokers, port)
        if kind != "external":
            what = "the embedded broker" if kind == "embedded" else "Apache Kafka " + kafka_version()
            click.echo(f"Starting {what} …")
        with broker(cast("Kind", kind), brokers, port=port) as started:
            for sentence in started.create_topics(Topics(prefix, partitions)):
                click.echo(f"  {sentence}")
            click.echo(_how_to_connect(started))
            if started.cluster is not None:
                while True:  # signal.pause would wait for ever where the signal has come just before it
                    time.sleep(_LOOK_S)
    except TracehoundError as error:
        raise click.ClickException(str(error)) from error


def _what_to_start(kind: str, brokers: int, port: int | None) -> tuple[str, int | None]:
    """The kind of broker, and its port: that of KAFKA_BOOTSTRAP_SERVERS, or else the usual one, if it is free."""
    servers = os.environ.get(SERVERS_VARIABLE) if kind == "real" and port is None else None
    if servers:
        named = local_port(servers)
        if named is not None and is_free(named):
            return "new", named
        try:
            with broker("external"):
                return "external", None
        except BrokerError as error:
            raise BrokerError(
                f"{error}\nNothing was started either: {SERVERS_VARIABLE} must name an address of this machine that "
                f"is free, or not be set. Got {servers!r} instead."
            ) from error
    if port is None and brokers == 1 and kind != "embedded" and is_free(_USUAL_PORT):
        port = _USUAL_PORT
    return "new" if kind == "real" else kind, port


def _how_to_connect(started: Broker) -> str:
    what = {
        "external": f"A broker answers at {started.bootstrap_servers} ({SERVERS_VARIABLE}); its topics are ready, "
        "and nothing was started.",
        "embedded": f"The embedded broker serves at {started.bootstrap_servers}",
        "docker": f"Apache Kafka {kafka_version()} (Docker) serves at {started.bootstrap_servers}",
        "jvm": f"Apache Kafka {kafka_version()} (JVM) serves at {started.bootstrap_servers}",
    }[started.kind]
    if started.cluster is None:
        return what
    return (
        f"{what}\n\n  export KAFKA_BOOTSTRAP_SERVERS={started.bootstrap_servers}\n\n"
        "Ctrl-C stops it and removes its data."
    )


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
