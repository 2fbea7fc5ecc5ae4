"""The command `tracehound deadletters`: list, show and resend records that could not be used."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import click
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracehound.schemas.execution import rfc3339
from tracehound.scripts.commands.dead_letter_topic import (
    LetterFilter,
    LetterId,
    StoredLetter,
    fetch_letters,
    resend_letters,
    scan_letters,
)
from tracehound.scripts.commands.moments import Moment
from tracehound.scripts.commands.terminal_text import printable, printable_bytes
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.delivery.resending import resendable_topics
from tracehound.streams.settings.settings import load_settings

_SHOWN_BYTES = 20_000


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--since", "since_s", type=Moment(), help="Stored since then: 90m, 7d, or a date-time."),
        click.option("--application", help="Only with this key."),
        click.option("--error", help="Only of this class of error, for instance InvalidJson."),
    ):
        command = option(command)
    return command


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)


@click.group()
def deadletters() -> None:
    """List, show and resend records that could not be used."""


@deadletters.command("list")
@_filters
@click.option("--limit", default=20, show_default=True, help="The newest to print; all are counted.")
def list_letters(limit: int, **filters: Any) -> None:
    """List the newest dead letters, oldest first, and count all of them by their error."""
    settings = load_settings()
    topic = settings.topics.dead_letters.name
    counts: Counter[str] = Counter()

    def counted(letters: Iterator[StoredLetter]) -> Iterator[StoredLetter]:
        for stored in letters:
            counts[stored.letter.error] += 1
            yield stored

    with TopicReader(settings) as reader:
        letters = counted(scan_letters(reader, topic, LetterFilter(**filters)))
        newest = heapq.nlargest(limit, letters, key=lambda stored: (stored.stored_s, stored.id))
    console = _console()
    if not counts:
        console.print(f"There are no dead letters{' like that' if any(filters.values()) else ''} in {topic}.")
        return
    for stored in reversed(newest):
        console.print(_line(stored))
    console.print(_counts(counts))


def _line(stored: StoredLetter) -> Text:
    letter = stored.letter
    return Text.assemble(
        (f"{stored.id}", "bold"),
        f"  {rfc3339(stored.stored_s)}  ",
        (printable(letter.error), "red"),
        f"  {printable_bytes(letter.key)}  from {_origin(stored)}\n    {printable(letter.reason)}",
    )


def _origin(stored: StoredLetter) -> str:
    return printable(f"{stored.letter.topic}-{stored.letter.partition}-{stored.letter.offset}")


def _when(timestamp_ms: int) -> str:
    try:
        return rfc3339(timestamp_ms / 1_000)
    except (ValueError, OverflowError, OSError):  # a header may say anything
        return f"{timestamp_ms} ms"


def _counts(counts: Counter[str]) -> Table:
    table = Table("error", "dead letters", box=None)
    for error, count in counts.most_common():
        table.add_row(Text(printable(error)), str(count))
    return table


@deadletters.command()
@click.argument("letter_id", metavar="ID")
def show(letter_id: str) -> None:
    """Show the dead letter ID: why it was refused, its headers, and its original bytes."""
    settings = load_settings()
    identity = LetterId.parse(letter_id, settings.topics.dead_letters.name)
    with TopicReader(settings) as reader:
        (stored,) = fetch_letters(reader, identity.topic, [identity])
    letter = stored.letter
    console = _console()
    for name, text in {
        "id": str(stored.id),
        "stored": rfc3339(stored.stored_s),
        "from": _origin(stored),
        "sent": _when(letter.timestamp_ms),
        "stage": printable(letter.stage),
        "error": printable(letter.error),
        "reason": printable(letter.reason),
        "key": printable_bytes(letter.key),
        **{f"header {printable(name)}": printable_bytes(content) for name, content in letter.headers},
    }.items():
        console.print(Text.assemble((f"{name}: ", "bold"), text))
    value = letter.value
    size = "null" if value is None else f"{len(value)} bytes"
    if stored.cut_from is not None:
        size += f", cut from {printable(stored.cut_from)}"
    console.print(Text.assemble(("value: ", "bold"), size))
    console.print(Text(printable_bytes(None if value is None else value[:_SHOWN_BYTES])))
    if value is not None and len(value) > _SHOWN_BYTES:
        console.print(f"({len(value) - _SHOWN_BYTES} more bytes)")


@deadletters.command()
@click.argument("letter_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that the filters let through, instead of IDs.")
@_filters
@click.option("--yes", is_flag=True, help="Do not ask.")
def resend(letter_ids: tuple[str, ...], every: bool, yes: bool, **filters: Any) -> None:
    """Send dead letters again to the topic they came from, with their original key and headers.

    What has been sent stays in the dead letters: sending it twice makes it count twice. Dead letters that come
    from an output topic, or whose value was cut, cannot be sent again; --all passes over them.
    """
    if every == bool(letter_ids):
        raise click.UsageError("Name the IDs to send again, or give --all (with filters), but not both.")
    if letter_ids and any(filters.values()):
        raise click.UsageError("Filters go with --all, not with IDs.")
    settings = load_settings()
    topic = settings.topics.dead_letters.name
    inputs = resendable_topics(settings.topics)
    identities = [LetterId.parse(text, topic) for text in letter_ids]
    console = _console()
    with TopicReader(settings) as reader:
        if every:
            matching = scan_letters(reader, topic, LetterFilter(**filters))
            identities = [stored.id for stored in matching if stored.why_not_resendable(inputs) is None]
        if not identities:
            console.print(f"There are no dead letters like that in {topic} that can be sent again.")
            return
        if not yes:
            click.confirm(f"Send {len(identities)} records again?", abort=True)
        letters = fetch_letters(reader, topic, identities)
        count = resend_letters(letters, Producer(producer_config(settings)), inputs)
    console.print(f"Sent {count} records again.")
