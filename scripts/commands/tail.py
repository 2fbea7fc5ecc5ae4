"""The command `tracehound tail`: prints anomalies, and if wanted what happens to models, as they come."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import click
import msgspec
from aiokafka import ConsumerRecord
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition
from rich.console import Console
from rich.text import Text

from tracehound.schemas.anomaly import SEVERITIES, AnomalyEvent, Severity
from tracehound.schemas.codec import encode
from tracehound.schemas.drill import DRILL_APPLICATION
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.model_event import ModelEvent
from tracehound.scripts.commands.identities import short
from tracehound.scripts.commands.known_applications import require_known
from tracehound.scripts.commands.severity_colours import SEVERITY_COLOURS
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.kafka.permissions import check_permissions
from tracehound.streams.settings.settings import load_settings

Event = AnomalyEvent | ModelEvent
TIMEOUT_S = 2.0
"""How long the broker may take to answer; short, since an interrupt waits for it."""
RETRY_S = 1.0
"""Time between attempts to find broker and topics."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are printed: of one application and environment or (None) all but that of drills, and anomalies from
    a severity on.
    """

    application: str | None = None
    severity: Severity = "minor"
    environment: str | None = None

    def __call__(self, event: Event) -> bool:
        """Whether to print an event."""
        if self.application != event.data.application and (
            self.application is not None or event.data.application == DRILL_APPLICATION
        ):
            return False
        if self.environment not in (None, event.data.environment):
            return False
        if isinstance(event, ModelEvent):
            return True
        return SEVERITIES.index(event.data.severity) >= SEVERITIES.index(self.severity)


def describe(event: Event) -> Text:
    """One line for people; whatever came from outside is escaped.

    An anomaly: time, severity, the beginning of its id, application, operation, kind, score, sentence. A model event:
    time, change, application, operation, model, sentence.
    """
    identity = ""
    if isinstance(event, ModelEvent):
        label, colour = event.data.change.upper(), "cyan"
        about, sentence = event.data.model, event.data.sentence
    else:
        label, colour = event.data.severity.upper(), SEVERITY_COLOURS[event.data.severity]
        about, sentence = f"{event.data.kind} {event.data.score:.1f}", event.data.reason
        identity = f"{printable(short(event.id))} "
    environment = f" ({event.data.environment})" if event.data.environment else ""
    return Text.assemble(
        (printable(event.time), "dim"),
        (f" {label:8} ", colour),
        identity,
        (printable(event.data.application + environment), "bold"),
        printable(f" {event.data.operation} [{about}] {sentence}"),
    )


def evidence_of(event: Event) -> Iterator[str]:
    """What an anomaly rests on, line by line; whatever came from outside is escaped."""
    if isinstance(event, AnomalyEvent) and event.data.evidence is not msgspec.UNSET:
        found = event.data.evidence
        yield from map(printable, [*found.waterfall, *filter(None, (found.sure, found.normal_again))])


class Reader(Protocol):
    """The part of ``TopicReader`` that following needs."""

    servers: str

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic; BrokerError if there is no broker or no topic."""
        ...

    def start(self, positions: Iterable[TopicPartition]) -> None:
        """Read from these positions on."""
        ...

    def poll(self) -> ConsumerRecord | None:
        """The next record, or None if there is none yet."""
        ...

    def take_trouble(self) -> str:
        """What the client last complained about, once; empty if nothing."""
        ...


class Follower:
    """Follows topics for ever, through outages of the broker, and hands over every record.

    Parameters:
        reader: reads the topics.
        topics: names of the topics to follow.
        offset: where to start, ``OFFSET_BEGINNING`` or ``OFFSET_END``.
        warn: is given a sentence when the broker goes away, or is not there yet.
        retry_s: time between attempts while there is no broker or no topic.
    """

    def __init__(
        self,
        reader: Reader,
        topics: Sequence[str],
        offset: int,
        warn: Callable[[str], None],
        retry_s: float = RETRY_S,
    ) -> None:
        self._reader = reader
        self._topics = topics
        self._offset = offset
        self._warn = warn
        self._retry_s = retry_s

    def records(self) -> Iterator[ConsumerRecord]:
        """Every record from now on (or from the beginning); never ends by itself."""
        self._reader.start(
            TopicPartition(topic, partition, self._offset)
            for topic in self._topics
            for partition in self._partitions(topic)
        )
        interrupted = False
        while True:
            message = self._reader.poll()
            trouble = self._reader.take_trouble()
            if message is not None:
                interrupted = False
                yield message
            elif trouble and not interrupted:
                interrupted = True
                self._warn(f"No Kafka broker answers at {self._reader.servers}: {trouble}. Trying again.")

    def _partitions(self, topic: str) -> list[int]:
        warned = ""
        while True:
            try:
                return self._reader.partitions(topic)
            except BrokerError as error:
                if str(error) != warned:
                    self._warn(f"{error} Trying again.")
                warned = str(error)
                time.sleep(self._retry_s)


def read_event(kind: type[Event], message: ConsumerRecord) -> Event | None:
    """The event in a record; None if it is none, as a record written by somebody else."""
    try:
        return msgspec.json.decode(message.value or b"", type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


@click.command()
@click.option("--from-beginning", is_flag=True, help="Print what is stored already, too.")
@click.option("--application", help="Only of this application.")
@click.option("--environment", help="Only of this environment; without it of all.")
@click.option("--severity", type=click.Choice(SEVERITIES), default="minor", show_default=True, help="Least severity.")
@click.option("--models", is_flag=True, help="Print readiness, training and drift of models, too.")
@click.option(
    "--evidence", is_flag=True, help="Print beside each anomaly what ran when, how sure it is, and what is usual."
)
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
def tail(
    from_beginning: bool,
    application: str | None,
    environment: str | None,
    severity: Severity,
    models: bool,
    evidence: bool,
    as_json: bool,
) -> None:
    """Print anomalies as they come, until interrupted.

    Each has the beginning of its id before its application: what `tracehound feedback` takes.
    """
    settings = load_settings()
    kinds: dict[str, type[Event]] = {settings.topics.anomalies.name: AnomalyEvent}
    if models:
        kinds[settings.topics.models.name] = ModelEvent
    wanted = Selection(application, severity, environment)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    offset = OFFSET_BEGINNING if from_beginning else OFFSET_END

    def say(sentence: str) -> None:
        click.echo(f"tracehound: {printable(sentence)}", err=True)

    def show(message: ConsumerRecord) -> None:
        event = read_event(kinds[message.topic], message)
        if event is None:
            say(f"Record {message.offset} of {message.topic}-{message.partition} is no event; passed over.")
        elif wanted(event) and as_json:
            click.echo(encode(event))
        elif wanted(event):
            console.print(describe(event))
            for line in evidence_of(event) if evidence else ():
                console.print(Text(f"  {line}", "dim"))

    check_permissions(settings, "reader", *kinds)  # what it may not read it would wait for
    try:
        say(f"Waiting for records on {' and '.join(kinds)} at {settings.bootstrap_servers}; Ctrl-C ends it.")
        with TopicReader(settings, TIMEOUT_S, from_beginning=from_beginning) as reader:
            if application is not None or environment is not None:
                with suppress(BrokerError):  # whoever is not there yet is waited for, and so is what it knows
                    require_known(reader, settings, application, environment)
            for message in Follower(reader, list(kinds), offset, say).records():
                show(message)
    except KeyboardInterrupt:  # how one ends it
        return
