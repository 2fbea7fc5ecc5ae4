from typing import Any

import click
import pytest
from click.testing import CliRunner

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.schemas.topics import Topics
from tracehound.scripts.recorded.sending_formats import (
    FORMATS,
    Format,
    destination,
    format_options,
    open_sender,
    refuse_formats,
)
from tracehound.streams.settings.intake import IntakeSettings
from tracehound.streams.settings.settings import Settings

TWO = Settings(topic_prefix="acme.", intake=IntakeSettings(otlp_topics="first,second"))
NONE = Settings(intake=IntakeSettings(otlp_topics=""))


@pytest.mark.parametrize(
    ("sent_as", "topic", "name"),
    [
        ("executions", None, "acme.executions.v1"),
        ("traces", None, "acme.traces.v1"),
        ("otlp-protobuf", None, "first"),
        ("otlp-json", None, "first"),
        ("otlp-json", "second", "second"),
        ("otlp-json", "elsewhere", "elsewhere"),
    ],
)
def test_every_format_has_its_topic(sent_as: Format, topic: str | None, name: str) -> None:
    assert destination(TWO, sent_as, topic).name == name


@pytest.mark.parametrize("sent_as", ["executions", "traces"])
def test_only_otlp_may_go_elsewhere(sent_as: Format) -> None:
    with pytest.raises(click.UsageError, match=f"--topic is for OTLP: {sent_as} have a topic of their own"):
        destination(TWO, sent_as, "elsewhere")


def test_without_a_configured_topic_one_must_be_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'intake\.otlp_topics' names no topic"):
        destination(NONE, "otlp-json", None)
    assert destination(NONE, "otlp-json", "elsewhere").name == "elsewhere"


@pytest.mark.parametrize(("sent_as", "topic", "option"), [("traces", None, "--as"), (None, "t", "--topic")])
def test_what_is_not_sent_has_no_format(sent_as: Format | None, topic: str | None, option: str) -> None:
    refuse_formats(None, None, "--offline")
    with pytest.raises(click.UsageError, match=f"^{option} and --offline exclude each other"):
        refuse_formats(sent_as, topic, "--offline")


def test_options_are_none_where_they_are_not_given() -> None:
    seen: list[dict[str, Any]] = []

    @click.command()
    @format_options(70)
    def command(**given: Any) -> None:
        seen.append(given)

    runner = CliRunner()
    runner.invoke(command, [])
    runner.invoke(command, ["--as", "otlp-json", "--topic", "t", "--batch", "9"])

    assert seen == [
        {"sent_as": None, "topic": None, "batch": None},
        {"sent_as": "otlp-json", "topic": "t", "batch": 9},
    ]
    assert "(default: 70)" in " ".join(runner.invoke(command, ["--help"]).output.split())


@pytest.mark.parametrize("sent_as", FORMATS)
def test_a_missing_topic_is_said_with_what_creates_it(sent_as: Format, embedded_kafka: Broker, prefix: str) -> None:
    settings = Settings(
        bootstrap_servers=embedded_kafka.bootstrap_servers,
        topic_prefix=prefix,
        intake=IntakeSettings(otlp_topics=prefix + "spans"),
    )

    with pytest.raises(BrokerError, match=r"does not exist at .*: create it with `tracehound topics`\."):
        open_sender(settings, sent_as, destination(settings, sent_as, None), None, 50)


def test_a_missing_topic_that_is_not_configured_is_not_said_to_be_created(embedded_kafka: Broker, prefix: str) -> None:
    settings = Settings(bootstrap_servers=embedded_kafka.bootstrap_servers, topic_prefix=prefix)
    topic = destination(settings, "otlp-json", prefix + "elsewhere")

    with pytest.raises(BrokerError, match=r"does not exist at .*: `tracehound topics` creates those that are"):
        open_sender(settings, "otlp-json", topic, None, 50)
    assert topic.name not in {known.name for known in Topics(prefix).all()}
