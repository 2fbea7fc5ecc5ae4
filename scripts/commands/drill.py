"""The command `tracehound drill`: plants slow executions, and says how long it takes until they are told."""

import random
import secrets
import string
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec
from aiokafka import ConsumerRecord
from confluent_kafka import Producer, TopicPartition
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.drill import DRILL_APPLICATION, DRILL_TRACE
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution
from tracehound.scripts.commands.console_tables import json_option, print_json
from tracehound.scripts.commands.moments import Duration
from tracehound.scripts.commands.terminal_text import printable
from tracehound.scripts.exit_codes import NotInTimeError
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.recorded.sending import ExecutionSender
from tracehound.streams.settings.settings import Settings, load_settings

_USUAL: Final = 200
_SLOW: Final = 10
_APART_S: Final = 0.05
_USUAL_MS: Final = 2.0
_TIMES_SLOWER: Final = 100.0
_BATCH: Final = 50
_DETECTED: Final = "Seconds until the slow executions of the last drill were told"
_LAST_SUCCESS: Final = "When the last drill was told, seconds since the epoch"
_decode = msgspec.json.Decoder(AnomalyEvent).decode


@dataclass(frozen=True, slots=True)
class Drill:
    """What is planted: an operation that takes about 2 ms, and then, ten times, 100 times as long.

    The operation has one of 676 names, drawn by lot: what was slow in the drill before is not usual in this one, and
    models do not grow from drill to drill. Measured: each of 2,200 drills in a row, 15 minutes apart, was told.

    Parameters:
        identity: of this drill; each execution is labelled with it.
        operation: its name.
        seed: of how long executions take.
    """

    identity: str
    operation: str
    seed: int

    @classmethod
    def drawn(cls) -> "Drill":
        """A new one."""
        name = "".join(secrets.choice(string.ascii_lowercase) for _ in range(2))
        return cls(secrets.token_hex(8), f"drill {name}", secrets.randbits(32))

    def trace_id(self, number: int) -> str:
        """Of a slow execution."""
        return f"{DRILL_TRACE}{self.identity}-{number}"

    @property
    def planted(self) -> frozenset[str]:
        """The trace ids of what is slow."""
        return frozenset(map(self.trace_id, range(_SLOW)))

    def usual(self, now_s: float) -> Iterator[Execution]:
        """What is usual, over the ten seconds before."""
        durations = random.Random(self.seed)
        for number in range(_USUAL):
            at_s = now_s - 1.0 - (_USUAL - number) * _APART_S
            yield self._execution(at_s, _USUAL_MS * durations.lognormvariate(0.0, 0.1), "usual", "")

    def slow(self, now_s: float) -> Iterator[Execution]:
        """What is slow, and has just ended."""
        durations = random.Random(self.seed + 1)
        took_ms = [_USUAL_MS * _TIMES_SLOWER * durations.lognormvariate(0.0, 0.1) for _ in range(_SLOW)]
        for number, duration_ms in enumerate(took_ms):
            at_s = now_s - max(took_ms) / 1_000.0 + number * 0.001
            yield self._execution(at_s, duration_ms, "slow", self.trace_id(number))

    def _execution(self, started_s: float, duration_ms: float, label: str, trace_id: str) -> Execution:
        labels = {"drill.id": self.identity, "drill.label": label}
        return Execution(
            DRILL_APPLICATION, self.operation, started_s, duration_ms, trace_id=trace_id, attributes=labels
        )


@dataclass(frozen=True, slots=True)
class Told:
    """How long it took, in seconds of a monotonic clock, from before the slow executions were sent; and what came."""

    seconds: float
    event: AnomalyEvent


@click.command()
@click.option(
    "--timeout", "timeout_s", type=Duration(), default="2m", show_default=True, help="How long it may take: 90s, 5m."
)
@click.option(
    "--textfile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write its metrics here, once it is told, for the textfile collector of Prometheus' node exporter.",
)
@json_option
def drill(timeout_s: float, textfile: Path | None, as_json: bool) -> None:
    """Plant slow executions of a reserved application, wait until they are told, and say how long that took.

    They go to Kafka as those of any producer, and workers judge them by what they learn of it in this very drill. No
    incident is made of what is told, and the console keeps none of it: nobody is woken. The status is 8 if nothing
    was told in time.

    \b
    tracehound drill
    tracehound drill --timeout 30s --json
    tracehound drill --textfile drill.prom
    """
    if textfile is not None and textfile.suffix != ".prom":
        raise ConfigurationError(f"--textfile must name a file that ends with .prom. Got {str(textfile)!r} instead.")
    planned = Drill.drawn()
    told = carry_out(load_settings(), planned, timeout_s)
    if textfile is not None:
        write_metrics(textfile, told.seconds, time.time())
    data = told.event.data
    if as_json:
        print_json(
            {"detected_seconds": told.seconds, "drill": planned.identity, "anomaly": told.event.id, "said": data.reason}
        )
        return
    click.echo(f"It works here, today: told {told.seconds:.1f} s after it was sent.")
    click.echo(printable(f"{data.severity}: {data.reason}"))


def carry_out(settings: Settings, planned: Drill, timeout_s: float, clock: Callable[[], float] = time.time) -> Told:
    """Plant what is planned, and wait for its anomaly.

    Raises:
        BrokerError: no broker answers, or a topic does not exist.
        NotInTimeError: nothing was told.
    """
    topic = settings.topics.anomalies.name
    with TopicReader(settings) as reader:
        ends = reader.ends(topic)
        begins = [(partition, ends.get(partition, (0, 0))[1]) for partition in reader.partitions(topic)]
        reader.start(TopicPartition(topic, partition, offset) for partition, offset in begins)
        sent_s = _plant(settings, planned, clock)
        while (left_s := sent_s + timeout_s - time.monotonic()) > 0.0:
            message = reader.poll(min(left_s, 1.0))
            event = None if message is None else _anomaly(message)
            if event is not None and is_told(event, planned):
                return Told(time.monotonic() - sent_s, event)
    raise NotInTimeError(
        f"The slow executions of {DRILL_APPLICATION} must be told within {timeout_s:g} s. Nothing was: "
        "`tracehound status` says what runs."
    )


def _plant(settings: Settings, planned: Drill, clock: Callable[[], float]) -> float:
    """Send what is planned; when the slow ones were handed over, by the monotonic clock."""
    sender = ExecutionSender(Producer(producer_config(settings)), settings.topics.executions, _BATCH)
    for execution in planned.usual(clock()):
        sender.send(execution)
    sender.flush()
    sent_s = time.monotonic()
    for execution in planned.slow(clock()):
        sender.send(execution)
    sender.close()
    return sent_s


def _anomaly(message: ConsumerRecord) -> AnomalyEvent | None:
    try:
        return _decode(message.value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None  # written by somebody else


def is_told(event: AnomalyEvent, planned: Drill) -> bool:
    """Whether an anomaly is of what was planted in this drill, and of no other."""
    of_it: Sequence[str] = event.data.exemplar_trace_ids
    return event.data.application == DRILL_APPLICATION and not planned.planted.isdisjoint(of_it)


def write_metrics(file: Path, seconds: float, now_s: float) -> None:
    """Write a drill that was told, whole or not at all; a drill that was not leaves the last one there.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    registry = CollectorRegistry()
    Gauge("tracehound_drill_detected_seconds", _DETECTED, registry=registry).set(seconds)
    Gauge("tracehound_drill_last_success_timestamp_seconds", _LAST_SUCCESS, registry=registry).set(now_s)
    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        raise ConfigurationError(f"--textfile must name a file that can be written: {error}.") from error
