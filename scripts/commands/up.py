"""The command `tracehound up`: everything on this machine in one: a broker if there is none, and all workers."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn, TypeVar

import click
import msgspec
from aiokafka import ConsumerRecord
from rich.console import Console
from rich.text import Text

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.ports import free_ports, is_free, local_port, usual_or_free_port
from tracehound.infra.kafka.topics import count_brokers
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.progress import Progress
from tracehound.scripts.commands.compiling import compile_first
from tracehound.scripts.commands.dead_letter_topic import read_stored
from tracehound.scripts.commands.up_lines import UpLines
from tracehound.scripts.commands.worker_process import Kind, WorkerProcess
from tracehound.scripts.kafka.clients import admin_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings, load_settings

_KINDS: tuple[Kind, ...] = ("worker", "intake", "incidents", "gateway")
_READY_TIMEOUT_S = 180.0
_ANSWER_TIMEOUT_S = 10.0
_POLL_S = 0.2
_TOGETHER_S = 0.05
_MOST_TOGETHER = 1_000
_PROGRESS_INTERVAL_S = 1.0

_PUBLISH = """\
{python} - <<'END'
import json, random, time
from confluent_kafka import Producer
producer = Producer({{"bootstrap.servers": "{servers}", "partitioner": "murmur2_random"}})
for ago_s in range(100, 0, -1):
    execution = {{"application": "shop", "operation": "GET /cart", "started_at": time.time() - ago_s,
                 "duration_ms": random.lognormvariate(4.6, 0.2)}}
    producer.produce("{topic}", json.dumps(execution), key="shop")
producer.flush()
END"""


@click.command()
@click.option(
    "--kafka",
    type=click.Choice(["auto", "external", "real", "embedded"]),
    default="auto",
    show_default=True,
    help="auto: the broker that the settings name, or that answers on this machine, else the embedded one. "
    "real: an Apache Kafka, started here.",
)
@click.option("--logs", type=click.Path(path_type=Path, file_okay=False), help="Folder for the logs; else a temporary.")
def up(kafka: Literal["auto", "external", "real", "embedded"], logs: Path | None) -> None:
    """Run all of tracehound on this machine: worker, intake, incidents and gateway, and a broker if there is none.

    Says what to publish, and then what arrives, what is refused and why, from when on it is judged, and what is found.
    Ctrl-C ends it all; topics on a broker that it did not start stay there.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with ExitStack() as stack:
            _run(stack, console, kafka, logs)
    except KeyboardInterrupt:
        console.print("Stopped.")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 (signature of a handler)
    raise KeyboardInterrupt


def _run(stack: ExitStack, console: Console, kafka: str, logs: Path | None) -> None:
    given = load_settings()
    compile_first(console.print)
    started = stack.enter_context(chosen_broker(kafka, given))
    console.print(_where(started))
    settings = load_settings(**_overrides(started, given))
    started.create_topics(settings.topics)
    folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracehound-up-")))
    folder.mkdir(parents=True, exist_ok=True)
    reader = stack.enter_context(TopicReader(settings))
    echo = Echo(reader, settings, console)
    processes = [stack.enter_context(_process(kind, folder, settings)) for kind in _KINDS]
    for process in processes:
        console.print(f"  {process.kind:10} {process.address}/metrics  log {process.log_file}")
    _wait_until_ready(processes)
    console.print(_what_to_publish(settings, processes[-1].address))
    while True:
        for process in processes:
            process.check()
        echo.take(_POLL_S)


@contextmanager
def chosen_broker(kafka: str, settings: Settings) -> Iterator[Broker]:
    """The broker to run on: the one that is named or that answers here, or one that is started.

    Parameters:
        kafka: ``external`` is the one of the settings, ``real`` and ``embedded`` are started; ``auto`` is the one of
            the settings if they name one or if somebody listens there, else the embedded one.

    Raises:
        BrokerError: it does not answer, or cannot be started.
    """
    port = local_port(settings.bootstrap_servers)
    listening = port is not None and not is_free(port)
    if kafka == "external" or (kafka == "auto" and ("bootstrap_servers" in settings.model_fields_set or listening)):
        config = admin_config(settings)
        try:
            count = count_brokers(config, _ANSWER_TIMEOUT_S)
        except BrokerError as error:
            raise BrokerError(f"{error} Or have one started: tracehound up --kafka embedded.") from error
        yield Broker(settings.bootstrap_servers, "external", count, None, config)
        return
    with broker("new" if kafka == "real" else "embedded") as started:
        yield started


def _where(started: Broker) -> str:
    if started.kind == "external":
        return f"On the broker at {started.bootstrap_servers}, which is yours: what is written there stays there."
    what = "the embedded broker" if started.embedded else f"an Apache Kafka ({started.kind})"
    return f"On {what} at {started.bootstrap_servers}, started for this: what is on it and was learned ends with it."


def _overrides(started: Broker, given: Settings) -> dict[str, object]:
    ours: dict[str, object] = {"security_protocol": "PLAINTEXT"} if started.kind != "external" else {}
    if "progress_interval_s" not in given.model_fields_set:
        ours |= {"progress_interval_s": _PROGRESS_INTERVAL_S}
    return {"bootstrap_servers": started.bootstrap_servers, "broker_is_embedded": started.embedded, **ours}


def _process(kind: Kind, folder: Path, settings: Settings) -> WorkerProcess:
    usual = {
        "worker": settings.http_port,
        "intake": settings.intake.http_port,
        "incidents": settings.incident_worker.http_port,
        "gateway": settings.gateway.port,
    }[kind]
    port = usual_or_free_port(usual) or free_ports(1)[0]
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TRACEHOUND_SECURITY_PROTOCOL": settings.security_protocol,
        "TRACEHOUND_BROKER_IS_EMBEDDED": str(settings.broker_is_embedded),
        "TRACEHOUND_PROGRESS_INTERVAL_S": str(settings.progress_interval_s),
        "TRACEHOUND_GATEWAY__GRPC_PORT": str(usual_or_free_port(settings.gateway.grpc_port)),
    }
    return WorkerProcess(folder, environment, port, kind)


def _wait_until_ready(processes: list[WorkerProcess]) -> None:
    deadline_s = time.monotonic() + _READY_TIMEOUT_S
    while not all(process.is_ready() for process in processes):
        for process in processes:
            process.check()
            if time.monotonic() > deadline_s:
                process.fail(f"is not ready after {_READY_TIMEOUT_S:.0f} s")
        time.sleep(_POLL_S)


def _what_to_publish(settings: Settings, gateway: str) -> str:
    topic = settings.topics.executions.name
    program = _PUBLISH.format(python=sys.executable, servers=settings.bootstrap_servers, topic=topic)
    spans = ", ".join(settings.intake.otlp_topic_names)
    traces = f"\nOpenTelemetry traces go to {spans}, or by OTLP over HTTP to {gateway}." if spans else ""
    return (
        f"\nWaiting for executions on {topic} at {settings.bootstrap_servers}; publish this, in another shell:\n\n"
        f"{program}\n\nOr send them over HTTP: {gateway}/v1/executions (docs/how-to/send-over-http.md).{traces}\n"
        f"Other commands find it by: export KAFKA_BOOTSTRAP_SERVERS={settings.bootstrap_servers}\n"
    )


class Echo:
    """Prints what is told on the topics from now on.

    Parameters:
        reader: reads them.
        settings: name them.
        console: is printed to.
    """

    def __init__(self, reader: TopicReader, settings: Settings, console: Console) -> None:
        self._reader, self._console, self._lines = reader, console, UpLines()
        topics = settings.topics
        self._readers: dict[str, Callable[[ConsumerRecord], Iterator[Text]]] = {
            topics.progress.name: lambda one: self._lines.arrived(_decoded(one, Progress)),
            topics.dead_letters.name: self._refused,
            topics.models.name: lambda one: self._lines.model(_decoded(one, ModelEvent)),
            topics.anomalies.name: lambda one: self._lines.anomaly(_decoded(one, AnomalyEvent)),
            topics.severity.name: lambda one: self._lines.incident(_decoded(one, IncidentEvent)),
        }
        reader.start(position for topic in self._readers for position in reader.from_now_on(topic))

    def take(self, timeout_s: float) -> None:
        """Print what has come, after waiting for the first for up to ``timeout_s``.

        What comes together is printed in the order of cause and effect: topics have no order among each other.
        """
        together: list[ConsumerRecord] = []
        message = self._reader.poll(timeout_s)
        while message is not None:
            together.append(message)
            message = self._reader.poll(_TOGETHER_S) if len(together) < _MOST_TOGETHER else None
        order = list(self._readers)
        for one in sorted(together, key=lambda message: order.index(message.topic)):
            self._print(one)
        for line in self._lines.due():
            self._console.print(line)

    def _print(self, message: ConsumerRecord) -> None:
        try:
            for line in self._readers[message.topic](message):
                self._console.print(line)
        except (msgspec.DecodeError, ValueError, RecursionError):  # written by somebody else
            self._console.print(f"Record {message.offset} of {message.topic} is none of ours; passed over.")

    def _refused(self, message: ConsumerRecord) -> Iterator[Text]:
        stored = read_stored(message)
        if stored is None:
            raise ValueError("no dead letter")
        return self._lines.refused(stored)


Event = TypeVar("Event")


def _decoded(message: ConsumerRecord, kind: type[Event]) -> Event:
    return msgspec.json.decode(message.value or b"", type=kind)
