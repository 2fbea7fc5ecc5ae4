"""The formats in which `replay` and `simulate` can send, as options of both commands."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar

import click

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.topics import Topic
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.recorded.otlp_encoding import Encode, encode_json, encode_protobuf
from tracehound.scripts.recorded.otlp_sending import OtlpSender
from tracehound.scripts.recorded.sending import ExecutionSender, Sender, TraceSender, connect
from tracehound.streams.settings.settings import Settings

Format = Literal["executions", "traces", "otlp-protobuf", "otlp-json"]
FORMATS: Final[tuple[Format, ...]] = ("executions", "traces", "otlp-protobuf", "otlp-json")
OTLP_BATCH: Final = 500
"""Spans per record where nothing else is asked for."""

_OTLP: Final[Mapping[Format, Encode]] = {"otlp-protobuf": encode_protobuf, "otlp-json": encode_json}
_Command = TypeVar("_Command", bound=Callable[..., Any])


def format_options(batch: int) -> Callable[[_Command], _Command]:
    """Options ``--as``, ``--topic`` and ``--batch`` (parameters ``sent_as``, ``topic`` and ``batch``, or None).

    ``batch`` is said to be the default of ``--batch`` for executions.
    """
    options = (
        click.option(
            "--as",
            "sent_as",
            type=click.Choice(FORMATS),
            help="Executions (default), executions to be joined by trace, or spans as OpenTelemetry exports them.",
        ),
        click.option("--topic", metavar="NAME", help="With OTLP: the topic, if not the first that is configured."),
        click.option(
            "--batch",
            type=click.IntRange(1, 10_000),
            help=f"Executions per record (default: {batch}); with OTLP spans per record (default: {OTLP_BATCH}).",
        ),
    )

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def refuse_formats(sent_as: Format | None, topic: str | None, instead_of: str) -> None:
    """Say that what is not sent to Kafka has neither a format nor a topic.

    Raises:
        click.UsageError: one was given along with the option ``instead_of``.
    """
    if sent_as is not None or topic is not None:
        option = "--as" if sent_as is not None else "--topic"
        raise click.UsageError(f"{option} and {instead_of} exclude each other: {option} says what is sent to Kafka.")


def destination(settings: Settings, sent_as: Format, topic: str | None) -> Topic:
    """The topic to send to.

    Raises:
        click.UsageError: a topic was named for what has its own topic.
        ConfigurationError: no topic of OTLP is configured, and none was named.
    """
    if sent_as not in _OTLP:
        if topic is not None:
            raise click.UsageError(f"--topic is for OTLP: {sent_as} have a topic of their own.")
        return settings.topics.traces if sent_as == "traces" else settings.topics.executions
    if topic is not None:
        return Topic(topic, None, 1, 0, "OTLP", foreign=True)
    if not settings.topics.otlp:
        raise ConfigurationError("The setting 'intake.otlp_topics' names no topic to send to: set it, or use --topic.")
    return settings.topics.otlp[0]


def open_sender(settings: Settings, sent_as: Format, topic: Topic, batch: int | None, usual_batch: int) -> Sender:
    """A sender of that format that has seen the broker and the topic; ``usual_batch`` is for executions.

    Raises:
        BrokerError: no broker answers, or the topic does not exist.
    """
    ours = topic.name in {known.name for known in settings.topics.all()}
    how = "create it with `tracehound topics`" if ours else "`tracehound topics` creates those that are configured"
    producer = connect(producer_config(settings), topic, how=how)
    limit = settings.max_record_bytes
    if sent_as in _OTLP:
        return OtlpSender(producer, topic, _OTLP[sent_as], batch or OTLP_BATCH, limit)
    sender = TraceSender if sent_as == "traces" else ExecutionSender
    return sender(producer, topic, batch or usual_batch, limit)
