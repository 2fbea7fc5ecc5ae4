"""The command `deadletters` against the embedded broker."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tracehound.schemas.dead_letter import TRUNCATED_HEADER, DeadLetter
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.deadletters import deadletters
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings

Run = Callable[..., Result]
Send = Callable[..., None]
HOSTILE = "\x1b[31m\u202e"


@pytest.fixture
def letters(topics: Topics, send: Send) -> Topics:
    """Five dead letters of two applications in two partitions, and one record that is none."""
    for number in range(5):
        letter = DeadLetter(
            value=f"{HOSTILE}{number}".encode() + b"\xff",
            key=b"bank" if number == 4 else b"shop",
            topic=topics.executions.name,
            partition=1,
            offset=number,
            timestamp_ms=1_767_225_600_000,
            stage="decode",
            error="FutureTime" if number == 0 else "InvalidJson",
            reason=f"Reason {number} {HOSTILE}.",
            headers=[("traceparent", HOSTILE.encode())],
        )
        send(
            topics.dead_letters.name,
            letter.value,
            key=letter.key,
            headers=letter.wire_headers(),
            partition=number % 2,
            timestamp=1_767_225_700_000 + number,
        )
    send(topics.dead_letters.name, b"foreign", partition=0)
    return topics


def resent(topics: Topics, environment: Mapping[str, str]) -> list[Any]:
    settings = Settings(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])
    with TopicReader(settings) as reader:
        return list(reader.scan(topics.executions.name, reader.ends(topics.executions.name)))


def test_list_prints_the_newest_and_counts_all(letters: Topics, run: Run) -> None:
    result = run(deadletters, "list", "--limit", "2")
    assert result.exit_code == 0
    first, reason, second, _, _, invalid, future = result.output.rstrip("\n").split("\n")
    topic = letters.dead_letters.name
    origin = f"{letters.executions.name}-1"
    assert first == f"{topic}-1-1  2026-01-01T00:01:40.003Z  InvalidJson  shop  from {origin}-3"
    assert reason == r"    Reason 3 \x1b[31m\u202e."
    assert second == f"{topic}-0-2  2026-01-01T00:01:40.004Z  InvalidJson  bank  from {origin}-4"
    assert invalid.split() == ["InvalidJson", "4"]
    assert future.split() == ["FutureTime", "1"]


@pytest.mark.parametrize(
    ("filters", "reasons"),
    [
        (["--error", "FutureTime"], [0]),
        (["--application", "bank"], [4]),
        (["--since", "2026-01-01T00:01:40.002Z", "--application", "shop"], [2, 3]),
    ],
)
def test_list_filters(letters: Topics, run: Run, filters: list[str], reasons: list[int]) -> None:
    output = run(deadletters, "list", *filters).output
    assert [number for number in range(5) if f"Reason {number}" in output] == reasons


def test_nothing_to_list_is_said(topics: Topics, run: Run) -> None:
    topic = topics.dead_letters.name
    result = run(deadletters, "list")
    assert (result.exit_code, result.output) == (0, f"There are no dead letters in {topic}.\n")
    result = run(deadletters, "list", "--error", "FutureTime")
    assert result.output == f"There are no dead letters like that in {topic}.\n"


def test_show_prints_headers_and_bytes_escaped(letters: Topics, run: Run) -> None:
    result = run(deadletters, "show", f"{letters.dead_letters.name}-1-0")
    assert result.exit_code == 0
    lines = result.output.rstrip("\n").split("\n")
    assert f"from: {letters.executions.name}-1-1" in lines
    assert "sent: 2026-01-01T00:00:00.000Z" in lines
    assert r"reason: Reason 1 \x1b[31m\u202e." in lines
    assert r"header traceparent: \x1b[31m\u202e" in lines
    assert lines[-2:] == ["value: 10 bytes", r"\x1b[31m\u202e1\xff"]


@pytest.mark.parametrize("identity", ["0-77", "2-0", "0-3"])
def test_an_id_without_dead_letter_is_said(letters: Topics, run: Run, identity: str) -> None:
    result = run(deadletters, "show", identity)
    assert isinstance(result.exception, TracehoundError)
    assert f"There is no dead letter {letters.dead_letters.name}-{identity}" in str(result.exception)


def test_resend_sends_the_original_bytes_to_the_source(
    letters: Topics, run: Run, environment: Mapping[str, str]
) -> None:
    result = run(deadletters, "resend", "0-2", "--yes")
    assert (result.exit_code, result.output) == (0, "Sent 1 records again.\n")
    (message,) = resent(letters, environment)
    assert message.key == b"bank"
    assert message.value == f"{HOSTILE}4".encode() + b"\xff"
    identity = f"{letters.dead_letters.name}-0-2".encode()
    assert message.headers == (("traceparent", HOSTILE.encode()), ("tracehound_resent", identity))


def test_resend_all_asks_and_keeps_to_the_filters(letters: Topics, run: Run, environment: Mapping[str, str]) -> None:
    arguments = ("resend", "--all", "--error", "InvalidJson", "--application", "shop")
    declined = run(deadletters, *arguments, input="n\n")
    assert declined.exit_code == 1
    assert "Send 3 records again?" in declined.output
    assert resent(letters, environment) == []
    assert run(deadletters, *arguments, input="y\n").exit_code == 0
    assert sorted(message.value[-2:-1] for message in resent(letters, environment)) == [b"1", b"2", b"3"]


def test_what_cannot_be_sent_again_is_passed_over_by_all(topics: Topics, run: Run, send: Send) -> None:
    own = (b"{}", b"shop", topics.executions.name, 0, 0, 0, "decode", "InvalidJson", "It ends early.")
    cut = [*DeadLetter(*own).wire_headers(), (TRUNCATED_HEADER, b"9000000")]
    send(topics.dead_letters.name, b"{", headers=cut, partition=0)
    output = DeadLetter(b"{}", b"shop", topics.anomalies.name, -1, -1, 0, "publish", "RefusedByBroker", "No.")
    send(topics.dead_letters.name, b"{}", headers=output.wire_headers(), partition=0)

    result = run(deadletters, "resend", "--all", "--yes")
    assert result.exit_code == 0
    assert result.output.endswith("that can be sent again.\n")
    result = run(deadletters, "resend", "0-0", "--yes")
    assert isinstance(result.exception, TracehoundError)
    assert "value: 1 bytes, cut from 9000000" in run(deadletters, "show", "0-0").output


@pytest.mark.parametrize("arguments", [[], ["0-0", "--all"], ["0-0", "--error", "FutureTime"]])
def test_resend_wants_ids_or_all(run: Run, arguments: list[str]) -> None:
    assert run(deadletters, "resend", *arguments).exit_code == 2


def test_a_missing_topic_is_one_sentence(run: Run, prefix: str) -> None:
    result = run(deadletters, "list")
    assert isinstance(result.exception, BrokerError)
    assert f"The topic {prefix}dead-letters.v1 does not exist" in str(result.exception)


def test_an_unreachable_broker_is_one_sentence() -> None:
    with (
        TopicReader(Settings(bootstrap_servers="127.0.0.1:1"), timeout_s=0.5) as reader,
        pytest.raises(BrokerError, match=r"^No Kafka broker answers at 127\.0\.0\.1:1: .+\.$"),
    ):
        reader.ends("any")


def test_moments_are_checked() -> None:
    result = CliRunner().invoke(deadletters, ["list", "--since", "yesterday"])
    assert result.exit_code == 2
    assert "must be an age such as 90m" in result.output
